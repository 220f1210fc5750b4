import type { Conn } from '../index.ts';

/** Ends the connection behind what waits. The loop reports what the event has rejected with. */
export function endRejected(
  conn: Conn<unknown>,
  empty: Promise<void> | undefined,
  thrown: unknown,
): void {
  const end = (): void => {
    try {
      conn.loop.execute(() => {
        conn.close();
        throw thrown;
      });
    } catch {
      // The loop is over, and so is whoever would report it.
    }
  };
  if (empty === undefined) end();
  else void empty.then(end);
}
