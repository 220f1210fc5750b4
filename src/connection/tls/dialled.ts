/** The name by which each plain connection was dialled: what a later upgrade to TLS looks for. */
const names = new WeakMap<object, string>();

/** @param host undefined for a path. */
export function rememberDialled(connection: object, host: string | undefined): void {
  names.set(connection, host ?? '');
}

/** Undefined for a connection that was accepted, empty for one dialled by a path. */
export function dialledAs(connection: object): string | undefined {
  return names.get(connection);
}
