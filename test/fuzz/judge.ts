/** A program that nobody here wrote, beside which streams are judged. */
export interface OpenJudge {
  /** What the other program makes otherwise of the stream, or ''; null when they cannot be compared. */
  judge(input: Buffer): Promise<string | null>;
  close(): Promise<void>;
}

export interface Judge {
  readonly name: string;
  /** The target whose streams it knows. */
  readonly target: string;
  /** Null where it is not installed. */
  open(): Promise<OpenJudge | null>;
}
