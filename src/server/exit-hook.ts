/** What must still be closed when the process, or this thread, ends while servers run. */
const closers = new Set<() => void>();

function closeAll(): void {
  for (const close of closers) {
    try {
      close();
    } catch {
      // The kernel closes the remaining sockets; the other servers still close in order.
    }
  }
}

/** One listener of `exit` for all servers: Node warns of a leak from the eleventh on. */
export const exitHook = {
  add(close: () => void): void {
    if (closers.size === 0) process.on('exit', closeAll);
    closers.add(close);
  },
  remove(close: () => void): void {
    if (closers.delete(close) && closers.size === 0) process.off('exit', closeAll);
  },
} as const;
