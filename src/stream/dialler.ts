import type { SocketConnectOpts } from 'node:net';
import { type Client, ErrUnsupportedOp } from '../index.ts';
import { checkedPort } from './checked-port.ts';
import type { SocketLink } from './socket-link.ts';

/** The target as packages describe it; each uses some of these names. */
export interface Target {
  readonly host?: string | undefined;
  readonly hostname?: string | undefined;
  readonly port?: number | string | null | undefined;
  /** Of a Unix socket. */
  readonly path?: string | null | undefined;
  readonly socketPath?: string | null | undefined;
  /** 4 or 6: addresses of this family only. */
  readonly family?: number | string | undefined;
  /** `https:` and `wss:` are dialled with the client's option `tls`. */
  readonly protocol?: string | null | undefined;
}

export interface DiallerWays {
  /** The target that is meant. */
  readonly target?: (given: Target) => Target;
  /** What the socket says of what `client.dial` has thrown. */
  readonly errorOf?: (error: unknown) => unknown;
}

/** Dials for one socket, once. */
export class Dialler {
  readonly #client: () => Client | Promise<Client>;
  readonly #left: () => void;
  readonly #ways: DiallerWays;
  #asked = false;
  readonly #abort = new AbortController();
  #over = false;

  /**
   * @param left the client that was asked for is needed no more, by this socket.
   * @param ways of `net.Socket`, where they are not those of every package.
   */
  constructor(
    client: () => Client | Promise<Client>,
    left: () => void = () => {},
    ways: DiallerWays = {},
  ) {
    this.#client = client;
    this.#left = left;
    this.#ways = ways;
  }

  /** `given`: the arguments of `net.Socket.connect`. The link hears of the connection, or of the error. */
  dial(given: readonly unknown[], link: SocketLink): void {
    const { errorOf = (error: unknown) => error, target = (asked: Target) => asked } = this.#ways;
    const [first, ...rest] = given;
    const asked = typeof first === 'object' && first !== null ? target(first as Target) : first;
    this.#dial(addressOf([asked, ...rest]), link).catch((error: unknown) => {
      if (!this.#over) link.giveUp(errorOf(error) as Error);
    });
  }

  async #dial(address: string, link: SocketLink): Promise<void> {
    this.#asked = true;
    const client = await this.#client();
    // A socket has one connection: what came back would have none to tell of it.
    const { signal } = this.#abort;
    await client.dial(address, { handler: link, signal, reconnect: false });
  }

  /** Who dials for the next life of the socket. */
  again(): Dialler {
    return new Dialler(this.#client, this.#left, this.#ways);
  }

  /** The socket is gone: what is under way is given up. */
  giveUp(): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    if (this.#asked) this.#left();
  }
}

/** @throws ErrUnsupportedOp for what `client.dial` cannot do; `ERR_SOCKET_BAD_PORT`. */
export function addressOf(given: readonly unknown[]): string {
  const [first, second] = given;
  if (typeof first === 'object' && first !== null) return targetAddress(first as Target);
  if (typeof first === 'string' && !/^\d+$/.test(first)) return targetAddress({ path: first });
  const host = typeof second === 'string' ? second : undefined;
  return targetAddress({ port: first as number, host });
}

function targetAddress(target: Target): string {
  refuse(target as Partial<SocketConnectOpts>);
  const path = target.socketPath ?? target.path;
  const { port } = target;
  if (typeof path === 'string' && (port === undefined || port === null)) return `unix://${path}`;
  const secure = isSecure(target);
  const host = target.hostname ?? target.host ?? 'localhost';
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  const literal = bare.includes(':') ? `[${bare}]` : bare;
  const standard = secure ? 443 : 80;
  const isGiven = port !== undefined && port !== null && port !== '';
  const number = isGiven ? checkedPort(port) : standard;
  const family = target.family === 4 || target.family === 6 ? target.family : '';
  return `${secure ? 'tls' : `tcp${family}`}://${literal}:${number}`;
}

/** The client speaks TLS to it. */
export function isSecure({ protocol }: Target): boolean {
  return protocol === 'https:' || protocol === 'wss:';
}

/** Refuses options whose effect would be silently lost. */
function refuse(options: Record<string, unknown>): void {
  for (const name of ['localAddress', 'localPort', 'lookup', 'blockList', 'onread', 'fd']) {
    const value = options[name];
    if (value === undefined || value === null || value === false) continue;
    throw new ErrUnsupportedOp(
      `cannot connect with ${name}: a client of gnet dials by itself; leave it out`,
    );
  }
}
