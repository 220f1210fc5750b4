import { ErrUnsupportedOp } from '../index.ts';
import { checkedPort } from '../stream/checked-port.ts';

/** What `listen` of `net.Server` is given, in one shape. */
export interface ListenTarget {
  readonly address: string;
  readonly backlog: number | undefined;
  readonly reusePort: boolean;
  readonly signal: AbortSignal | undefined;
  readonly listening: (() => void) | undefined;
}

interface ListenOptions {
  readonly port?: number | string;
  readonly host?: string;
  readonly path?: string;
  readonly backlog?: number;
  readonly ipv6Only?: boolean;
  readonly reusePort?: boolean;
  readonly signal?: AbortSignal;
}

/** @throws ErrUnsupportedOp for handles and descriptors, `ERR_SOCKET_BAD_PORT`. */
export function listenTarget(given: readonly unknown[]): ListenTarget {
  const last = given.at(-1);
  const listening = typeof last === 'function' ? (last as () => void) : undefined;
  const [first, second, third] = listening === undefined ? given : given.slice(0, -1);
  const options = optionsOf(first, second, third);
  return {
    address: addressFor(options),
    backlog: options.backlog,
    reusePort: options.reusePort ?? false,
    signal: options.signal,
    listening,
  };
}

function optionsOf(first: unknown, second: unknown, third: unknown): ListenOptions {
  if (typeof first === 'object' && first !== null) {
    for (const name of ['fd', '_handle', 'exclusive', 'readableAll', 'writableAll']) {
      const value = (first as Record<string, unknown>)[name];
      if (value === undefined || value === false) continue;
      throw new ErrUnsupportedOp(
        `cannot listen with ${name}: gnet/net listens on a port or a path; leave it out`,
      );
    }
    return first;
  }
  const backlog = [second, third].find((value) => typeof value === 'number');
  const numbers = { ...(backlog !== undefined && { backlog: backlog as number }) };
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first, ...numbers };
  const host = typeof second === 'string' ? { host: second } : {};
  return { port: (first as number | undefined) ?? 0, ...host, ...numbers };
}

function addressFor({ port, host, path, ipv6Only = false }: ListenOptions): string {
  if (port === undefined && path !== undefined) return `unix://${path}`;
  const number = port === undefined ? 0 : checkedPort(port);
  const literal = host?.includes(':') ? `[${host}]` : (host ?? '');
  return `${ipv6Only ? 'tcp6' : 'tcp'}://${literal}:${number}`;
}
