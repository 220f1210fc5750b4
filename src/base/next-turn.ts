/** Resolves when the runtime's loop has been round: it has looked at every socket meanwhile. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
