/** What the page's own server answers. */
import {
  ErrConnClosed,
  ErrInvalidOption,
  ErrUnsupportedOp,
  GnetError,
  type Server,
} from '../index.ts';
import { isOwnHost, tokenCheck } from './access.ts';
import { ConnectionLister, listQuery } from './connection-lister.ts';
import type { ResolvedOptions } from './options.ts';
import type { ListData, SnapshotData } from './page/data.ts';
import type { PageFiles } from './page-files.ts';
import type { Snapshots } from './snapshots.ts';

const headers = {
  // Nothing from elsewhere, nothing inline, no frames around it.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

function text(status: number, body: string, type = 'text/plain; charset=utf-8'): Response {
  return new Response(body, { status, headers: { ...headers, 'Content-Type': type } });
}

/** The page can read it. */
function json(value: SnapshotData | ListData | Record<string, never>): Response {
  return text(200, JSON.stringify(value), 'application/json');
}

const statusOf = (error: unknown): number => {
  if (error instanceof ErrConnClosed) return 404;
  return error instanceof ErrInvalidOption || error instanceof ErrUnsupportedOp ? 400 : 500;
};

/** Answers the requests of visitors. */
export class Routes {
  readonly #servers: readonly Server[];
  readonly #options: ResolvedOptions;
  readonly #snapshots: Snapshots;
  readonly #files: PageFiles;
  readonly #hasToken: (authorization: string | null) => boolean;
  readonly #listers: readonly ConnectionLister[];

  constructor(
    servers: readonly Server[],
    options: ResolvedOptions,
    snapshots: Snapshots,
    files: PageFiles,
  ) {
    this.#servers = servers;
    this.#options = options;
    this.#snapshots = snapshots;
    this.#files = files;
    this.#hasToken = tokenCheck(options.token);
    this.#listers = servers.map((server) => new ConnectionLister(server));
  }

  async fetch(request: Request): Promise<Response> {
    const overUnix = this.#options.address.startsWith('unix:');
    if (!overUnix && !isOwnHost(request.headers.get('host'), this.#options.hosts)) {
      return text(
        421,
        'This name is not known here: visit an address, or give the option hosts.\n',
      );
    }
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith('/api/')) return this.#file(request.method, pathname.slice(1));
    if (!this.#hasToken(request.headers.get('authorization'))) {
      return text(401, 'Give the token as "Authorization: Bearer ...".\n');
    }
    try {
      return await this.#data(request, pathname.slice('/api/'.length), searchParams);
    } catch (error) {
      if (error instanceof GnetError) return text(statusOf(error), `${error.message}\n`);
      throw error;
    }
  }

  /** They hold no secret: whoever comes without a token is asked for it there. */
  #file(method: string, name: string): Response {
    const file = this.#files.get(name);
    if (file === undefined) return text(404, 'There is no such page.\n');
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Use GET.\n');
    return text(200, file.text, file.type);
  }

  async #data(request: Request, name: string, parameters: URLSearchParams): Promise<Response> {
    const isPost = name === 'close' || name === 'log-level';
    if (request.method !== (isPost ? 'POST' : 'GET')) return text(405, 'Use another method.\n');
    if (name === 'stats') return json(this.#snapshots.take());
    if (name === 'events') return this.#events(request.signal);
    if (name === 'connections') {
      const index = this.#serverIndex(parameters.get('server') ?? '0');
      return json(await (this.#listers[index] as ConnectionLister).page(listQuery(parameters)));
    }
    if (!isPost) return text(404, 'There is no such data.\n');
    if (this.#options.readOnly) return text(403, 'This page only shows.\n');
    return this.#change(name, await body(request));
  }

  #change(name: string, wanted: Readonly<Record<string, unknown>>): Response {
    const server = this.#servers[this.#serverIndex(String(wanted['server'] ?? 0))] as Server;
    if (name === 'close') server.conn(wanted['id'] as number).close();
    else server.logLevel = wanted['level'] as Server['logLevel'];
    return json({});
  }

  #serverIndex(given: string): number {
    const index = Number(given);
    if (this.#servers[index] !== undefined) return index;
    throw new ErrInvalidOption(`cannot find server ${given}: there are ${this.#servers.length}`);
  }

  #events(gone: AbortSignal): Response {
    const stream = this.#snapshots.stream(gone);
    if (stream === null) return text(503, 'Too many visitors.\n');
    return new Response(stream, { headers: { ...headers, 'Content-Type': 'text/event-stream' } });
  }
}

async function body(request: Request): Promise<Readonly<Record<string, unknown>>> {
  try {
    return Object(await request.json());
  } catch {
    throw new ErrInvalidOption('cannot read the request: give an object as JSON');
  }
}
