/** A task as a thread may have it. */
export interface OwnTask {
  readonly task: unknown;
  /** Memory of its own, which moves to the thread with it. */
  readonly moved: ArrayBuffer[];
}

/**
 * Copies the bytes of a task at once, wherever they stand in its arrays, plain objects, maps and sets: a
 * frame is lent, and to send a view as it is would send all of the memory that it is a view of, with what
 * other connections have there. Objects of classes are left to the runtime, which clones them when a
 * thread takes the task; memory that threads share stays shared.
 */
export function ownCopy(task: unknown): OwnTask {
  // The runtime copies everything else faster than we do.
  if (!holdsBytes(task)) return { task, moved: [] };
  const moved: ArrayBuffer[] = [];
  // What stands in several places, or in itself, is still one thing.
  const copies = new Map<object, unknown>();
  const known = <Copy extends object>(value: object, copy: Copy): Copy => {
    copies.set(value, copy);
    return copy;
  };
  const bytesOf = (buffer: ArrayBufferLike, start: number, length: number): ArrayBuffer => {
    const own = new ArrayBuffer(length);
    new Uint8Array(own).set(new Uint8Array(buffer, start, length));
    moved.push(own);
    return own;
  };
  const ownView = (view: ArrayBufferView): unknown => {
    const buffer = bytesOf(view.buffer, view.byteOffset, view.byteLength);
    if (view instanceof DataView) return known(view, new DataView(buffer));
    const Kind = kindOf(view);
    return known(view, new Kind(buffer));
  };
  const own = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const copied = copies.get(value);
    if (copied !== undefined) return copied;
    if (ArrayBuffer.isView(value)) return isShared(value.buffer) ? value : ownView(value);
    if (value instanceof ArrayBuffer) return known(value, bytesOf(value, 0, value.byteLength));
    if (Array.isArray(value)) {
      const copy = known<unknown[]>(value, new Array(value.length));
      // By name: it may have holes, and members besides, as what `match` returns.
      for (const name of Object.keys(value)) define(copy, name, own(value[name as never]));
      return copy;
    }
    if (isExactly(value, Map)) {
      const copy = known(value, new Map<unknown, unknown>());
      for (const [key, item] of value) copy.set(own(key), own(item));
      return copy;
    }
    if (isExactly(value, Set)) {
      const copy = known(value, new Set<unknown>());
      for (const item of value) copy.add(own(item));
      return copy;
    }
    if (!isPlain(value)) return value;
    const copy = known<Record<string, unknown>>(value, {});
    for (const [name, item] of Object.entries(value)) define(copy, name, own(item));
    return copy;
  };
  return { task: own(task), moved };
}

/** So much is looked at without a note of what was seen, which costs more than the look. */
const fewObjects = 100_000;

/** Whether there are bytes of its own to copy somewhere in it. */
function holdsBytes(task: unknown): boolean {
  const left: unknown[] = [task];
  for (let looks = 0; left.length > 0 && looks < fewObjects; looks++) {
    if (areBytes(left, left.pop())) return true;
  }
  // It is large, or goes in circles.
  const seen = new Set<unknown>();
  while (left.length > 0) {
    const value = left.pop();
    if (seen.has(value)) continue;
    seen.add(value);
    if (areBytes(left, value)) return true;
  }
  return false;
}

/** Adds to `left` what is to be looked at behind it. */
function areBytes(left: unknown[], value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (ArrayBuffer.isView(value)) return !isShared(value.buffer);
  if (Array.isArray(value)) addItems(left, value);
  else if (value instanceof ArrayBuffer) return true;
  else if (isExactly<Set<unknown>>(value, Set)) for (const item of value) left.push(item);
  else if (isExactly<Map<unknown, unknown>>(value, Map)) {
    for (const [key, item] of value) left.push(key, item);
  } else if (isPlain(value)) addMembers(left, value as Record<string, unknown>);
  return false;
}

function addItems(to: unknown[], items: readonly unknown[]): void {
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (typeof item === 'object' && item !== null) to.push(item);
    else if (isHole(items, index)) {
      addMembers(to, items as unknown as Record<string, unknown>);
      return;
    }
  }
}

function addMembers(to: unknown[], object: Record<string, unknown>): void {
  for (const name in object) {
    const member = object[name];
    if (typeof member === 'object' && member !== null) to.push(member);
  }
}

function isHole(items: readonly unknown[], index: number): boolean {
  return items[index] === undefined && !(index in items);
}

type Views = new (buffer: ArrayBuffer) => ArrayBufferView;

/** A `Buffer` arrives as a `Uint8Array` in any case. */
function kindOf(view: ArrayBufferView): Views {
  const name = Object.prototype.toString.call(view).slice('[object '.length, -1);
  return (globalThis as unknown as Record<string, Views>)[name] as Views;
}

function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}

function isExactly<Value>(value: object, kind: new () => Value): value is Value & object {
  return Object.getPrototypeOf(value) === kind.prototype;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Also where it is called `__proto__`. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
