/** What an expired frame is full of in development mode. */
const poison = 0xdb;

/** A loan is over: a program that kept it must notice. */
export function poisonFrame(frame: Uint8Array): void {
  // Nothing is left of it where the program has transferred it to another thread.
  if (frame.length > 0) frame.fill(poison);
}
