/** What the program opened in this thread beside its loops, and must be closed when the thread ends. */
const endings = new Set<() => void>();
let over = false;

/** The main thread needs this thread of loops no longer: what stays open then would stay for ever. */
export const threadEnd = {
  /** Called at once if the thread is already about to end; otherwise it would never be called. */
  add(ending: () => void): void {
    if (over) ending();
    else endings.add(ending);
  },
  remove(ending: () => void): void {
    endings.delete(ending);
  },
  /** Called once, by the side of the thread that hears of it. */
  run(): void {
    over = true;
    for (const ending of endings) ending();
  },
} as const;
