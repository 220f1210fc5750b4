import { readdirSync, readlinkSync } from 'node:fs';

/** How many descriptors of each kind are open, of those that drivers use. */
export function descriptors(): string {
  const counts = { socket: 0, eventfd: 0, eventpoll: 0, io_uring: 0 };
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      const kind = /socket|eventfd|eventpoll|io_uring/.exec(
        readlinkSync(`/proc/self/fd/${number}`),
      );
      if (kind !== null) counts[kind[0] as keyof typeof counts]++;
    } catch {
      // The descriptor with which the directory itself was read.
    }
  }
  return JSON.stringify(counts);
}

/** True when `condition` held within seconds. */
export async function within(condition: () => boolean): Promise<boolean> {
  const deadline = performance.now() + 5_000;
  while (!condition() && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return condition();
}
