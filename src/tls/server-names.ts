/** Finds what belongs to a server name among exact names and names with `*` for their first label. */
export class ServerNames<Value> {
  readonly #exact = new Map<string, Value>();
  /** By what follows the `*`: `.host.name`. */
  readonly #wildcards = new Map<string, Value>();

  /** @param name `host.name` or `*.host.name`, in any case; see `isServerName`. */
  add(name: string, value: Value): void {
    const lower = name.toLowerCase();
    if (lower.startsWith('*.')) this.#wildcards.set(lower.slice(1), value);
    else this.#exact.set(lower, value);
  }

  /** @param name in lower case. A name itself goes before a `*` that would cover it. */
  find(name: string): Value | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    return dot <= 0 ? undefined : this.#wildcards.get(name.slice(dot));
  }

  *values(): Iterable<Value> {
    yield* this.#exact.values();
    yield* this.#wildcards.values();
  }
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const serverName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`, 'i');
const nameLengthMax = 253;

/** Whether it is a name that a client can request, optionally with `*.` in front. */
export function isServerName(name: string): boolean {
  return name.length <= nameLengthMax && serverName.test(name);
}
