/** What a comparison of tables with C came to. */
export interface Outcome {
  compared: number;
  readonly skipped: string[];
  readonly errors: string[];
}
