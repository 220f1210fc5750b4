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
  /** The socket speaks TLS, whatever a target says. */
  readonly secure?: boolean;
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

  /**
   * What `client.dial` is given for the arguments of `net.Socket.connect`.
   * @throws ErrUnsupportedOp for what it cannot do; `ERR_SOCKET_BAD_PORT`.
   */
  addressOf(given: readonly unknown[]): string {
    const { target = (asked: Target) => asked, secure = false } = this.#ways;
    const [first, ...rest] = given;
    const asked = typeof first === 'object' && first !== null ? target(first as Target) : first;
    return addressOf([asked, ...rest], secure);
  }

  /** The link hears of the connection, or of the error. */
  dial(address: string, link: SocketLink): void {
    const { errorOf = (error: unknown) => error } = this.#ways;
    this.#dial(address, link).catch((error: unknown) => {
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

function addressOf(given: readonly unknown[], secure: boolean): string {
  const [first, second] = given;
  if (typeof first === 'object' && first !== null) return targetAddress(first as Target, secure);
  if (typeof first === 'string' && !/^\d+$/.test(first)) {
    return targetAddress({ path: first }, secure);
  }
  const host = typeof second === 'string' ? second : undefined;
  return targetAddress({ port: first as number, host }, secure);
}

function targetAddress(target: Target, isTls: boolean): string {
  refuse(target as Partial<SocketConnectOpts>);
  const path = target.socketPath ?? target.path;
  const { port } = target;
  const secure = isTls || isSecure(target);
  if (typeof path === 'string' && (port === undefined || port === null)) {
    if (!secure) return `unix://${path}`;
    throw new ErrUnsupportedOp(
      `cannot connect to the path ${path}: this socket speaks TLS, and paths are dialled without`,
    );
  }
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
