/** What clients and servers of the chat tell one another, as JSON. */

/** Gets what was said in a room behind a position, 0 for all, and then what is said. */
export interface Join {
  readonly join: string;
  readonly after: number;
}

/** Under the same id it is said once, however often a client sends it. */
export interface Say {
  readonly say: string;
  readonly room: string;
  readonly id: string;
  readonly name: string;
}

export interface Heard {
  readonly room: string;
  readonly position: number;
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** How many are in a room. */
export interface Here {
  readonly room: string;
  readonly here: number;
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w-]{1,40}$/.test(value);

/** Null for what is no request. */
export function readRequest(text: string): Join | Say | null {
  let value: Partial<Join & Say>;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { join, after, say, room, id, name } = value;
  if (isName(join) && Number.isSafeInteger(after)) return { join, after: after as number };
  if (typeof say !== 'string' || say.length > 4_000) return null;
  return isName(room) && isName(id) && isName(name) ? { say, room, id, name } : null;
}
