import { serialize } from 'node:v8';

/** Nested as deep as this thread can still copy; threads with a smaller stack cannot. */
export function deepValue(): unknown {
  let taken: unknown = null;
  for (let value = taken, depth = 1; ; depth++) {
    value = { value };
    if ((depth & (depth - 1)) !== 0) continue;
    try {
      serialize(value);
    } catch {
      return taken;
    }
    taken = value;
  }
}
