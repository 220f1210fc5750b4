/**
 * A task as a thread may have it. Bytes are copied at once and moved later: a frame is lent, and
 * sending a view as it is would send all of the memory that it is a view of.
 */
export function ownCopy(task: unknown): { task: unknown; moved: ArrayBuffer[] } {
  const moved: ArrayBuffer[] = [];
  const own = (value: unknown): unknown => {
    if (!(value instanceof Uint8Array)) return value;
    const copy = new Uint8Array(value);
    moved.push(copy.buffer);
    return copy;
  };
  if (Array.isArray(task)) return { task: task.map(own), moved };
  if (isPlain(task)) {
    const copy: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(task)) copy[name] = own(value);
    return { task: copy, moved };
  }
  return { task: own(task), moved };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
