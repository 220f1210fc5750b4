import { randomBytes } from 'node:crypto';
import { ErrInvalidOption, type TlsServerOptions } from '../index.ts';

/** How a page is served. */
export interface InspectOptions {
  /**
   * Where the page listens, in the forms of `serve`. Default `tcp://127.0.0.1:0`: a free port of this
   * machine alone. Any other address than a loopback one or a Unix path also needs `remote`.
   */
  readonly address?: string;
  /** What a visitor must show, 16 to 256 visible ASCII characters. Default: a new random one. */
  readonly token?: string;
  /** Lets `address` be one that other machines can reach. Use `tls` then. Default false. */
  readonly remote?: boolean;
  /**
   * Names under which the page may be visited, besides `localhost` and numeric addresses, without
   * a port: `inspect.example.com`.
   */
  readonly hosts?: readonly string[];
  /** Nobody can close a connection or set the log level. Default false. */
  readonly readOnly?: boolean;
  /** Milliseconds between two looks at the counters, 100 to 60,000. Default 1,000. */
  readonly interval?: number;
  /** As the option `tls` of `serve`, for an address `tls://…`. */
  readonly tls?: TlsServerOptions;
}

/** A page that is being served. */
export interface Inspector extends AsyncDisposable {
  /** `127.0.0.1:41234`, or the Unix path. */
  readonly addr: string;
  /** For a browser, with the token behind `#`; empty for a Unix path. */
  readonly url: string;
  readonly token: string;
  /** Ends it. It also ends by itself, soon after every server that it shows has ended. Idempotent. */
  close(): Promise<void>;
}

export interface ResolvedOptions {
  readonly address: string;
  readonly token: string;
  readonly hosts: readonly string[];
  readonly readOnly: boolean;
  readonly interval: number;
  readonly tls: TlsServerOptions | undefined;
}

const names = ['address', 'token', 'remote', 'hosts', 'readOnly', 'interval', 'tls'];
const tokenPattern = /^[!-~]{16,256}$/;
const loopback = /^(?:\w+:\/\/)?(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost):\d+$/i;

function refuse(name: string, value: string, wanted: string): never {
  throw new ErrInvalidOption(`cannot inspect with option ${name} ${value}: ${wanted}`);
}

/** @throws ErrInvalidOption */
export function resolveOptions(options: InspectOptions): ResolvedOptions {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) refuse(unknown, '', `give some of ${names.join(', ')}`);
  const { address = 'tcp://127.0.0.1:0', hosts = [], interval = 1_000, tls } = options;
  if (typeof address !== 'string') refuse('address', typeof address, 'give a text');
  const stays = loopback.test(address) || address.startsWith('unix:');
  if (!stays && options.remote !== true) {
    const wanted =
      'other machines may reach it; give 127.0.0.1, [::1], a Unix path, or remote: true';
    refuse('address', JSON.stringify(address), wanted);
  }
  const token = options.token ?? randomBytes(18).toString('base64url');
  if (typeof token !== 'string' || !tokenPattern.test(token)) {
    refuse('token', '', 'give 16 to 256 visible ASCII characters that nobody can guess');
  }
  if (!Array.isArray(hosts) || hosts.some((host) => typeof host !== 'string')) {
    refuse('hosts', '', 'give a list of names');
  }
  if (!(Number.isSafeInteger(interval) && interval >= 100 && interval <= 60_000)) {
    refuse('interval', String(interval), 'give milliseconds from 100 to 60,000');
  }
  const lowered = hosts.map((host: string) => host.toLowerCase());
  return { address, token, hosts: lowered, readOnly: options.readOnly === true, interval, tls };
}
