import type { ProxiedConnection } from './format.ts';

/** Beside the connections: few servers have a proxy in front, and a field would cost each connection. */
const told = new WeakMap<object, ProxiedConnection>();

export function rememberProxied(connection: object, proxied: ProxiedConnection): void {
  told.set(connection, proxied);
}

export function proxiedBy(connection: object): ProxiedConnection | undefined {
  return told.get(connection);
}
