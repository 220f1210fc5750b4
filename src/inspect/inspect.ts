import { isMainLoop, type Server, ErrInvalidOption } from '../index.ts';
import { serveHttp } from '../http/index.ts';
import { type InspectOptions, type Inspector, resolveOptions } from './options.ts';
import { Routes } from './routes.ts';
import { Snapshots } from './snapshots.ts';

/** A server or a client, or several of this process. */
export type Inspected = Server | readonly Server[];

/** How often it looks whether what it shows has ended; milliseconds. */
const lookMs = 250;
const limits = { bodyLengthMax: 64 * 1024 };

/**
 * Serves a page that shows running servers: loops, connections, traffic, errors, memory. Visitors need
 * the token, see `url`. It is served by the loop of this thread, and costs next to nothing while
 * nobody looks.
 *
 * Call it on the main thread. A program that runs again in the threads of its loops calls it there,
 * too, in the same place: there it only joins, and its token means nothing.
 * @throws ErrInvalidOption, and what `serve` throws for the address, with nothing left open.
 */
export async function inspect(of: Inspected, options: InspectOptions = {}): Promise<Inspector> {
  const servers: readonly Server[] = Array.isArray(of) ? of : [of as Server];
  if (servers.length === 0) {
    throw new ErrInvalidOption('cannot inspect nothing: give a server, or a list of servers');
  }
  const resolved = resolveOptions(options);
  const { pageFiles } = await import('./page-files.ts');
  const snapshots = new Snapshots(servers, resolved.interval, resolved.readOnly);
  const routes = new Routes(servers, resolved, snapshots, pageFiles());
  const { address, token, tls } = resolved;
  const page = await serveHttp(routes, address, {
    maxConnections: 256,
    limits,
    // The program's own globals stay as they are.
    overrideGlobalObjects: false,
    ...(tls !== undefined && { tls }),
  });
  const { addr } = page;
  const close = async (): Promise<void> => {
    clearInterval(looking);
    snapshots.close();
    await page.stop({ timeout: 500 });
  };
  const looking = setInterval(() => {
    if (servers.every(({ state }) => state === 'closed')) void close();
  }, lookMs);
  looking.unref();
  if (!isMainLoop) clearInterval(looking);
  const url = address.startsWith('unix:') ? '' : urlOf(address, addr, token);
  return { addr, url, token, close, [Symbol.asyncDispose]: close };
}

function urlOf(address: string, addr: string, token: string): string {
  const scheme = address.startsWith('tls:') ? 'https' : 'http';
  // What listens everywhere is visited here.
  const host = addr.replace(/^(?:0\.0\.0\.0|\[::\])(?=:)/, 'localhost');
  return `${scheme}://${host}/#token=${encodeURIComponent(token)}`;
}
