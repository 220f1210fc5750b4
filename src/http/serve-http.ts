import { type Options, type Server, serve } from '../index.ts';
import { FetchServer, fetchCodec } from './fetch-server.ts';
import {
  checkHandler,
  type FetchHandler,
  type HttpOptions,
  resolveHttpOptions,
} from './options.ts';
import { useLightGlobals } from './web-globals.ts';

/** What the core has to be set to for this package; a program cannot change it. */
const coreOptions = {
  ticker: true,
  // Who ends its side still wants its answer.
  allowHalfOpen: true,
} as const;

/** A client that takes nothing of its answer for that long has gone; milliseconds. */
const WRITE_TIMEOUT = 60_000;
/** Enough to keep a client busy until more is read from a stream; bytes. */
const HIGH_WATER_MARK = 256 * 1024;

/** Of the core, as a program would set them; what it has set itself stays. */
function withDefaults(core: Options): Options {
  const { highWaterMark, lowWaterMark, maxOutboundBytes } = core;
  const marks = highWaterMark ?? lowWaterMark ?? maxOutboundBytes;
  return {
    writeTimeout: WRITE_TIMEOUT,
    // The three depend on one another.
    ...(marks === undefined && { highWaterMark: HIGH_WATER_MARK }),
    ...core,
    ...coreOptions,
  };
}

/**
 * Serves HTTP/1.1 on every address: calls `handler.fetch` for each request and sends the response
 * that it returns. With `tls://` addresses or the option `tls`, it serves HTTPS.
 *
 * With several loops, each loop's thread runs the program again, as with `serve`. Or `handler` is
 * the URL of a module whose default export has a `fetch`; each loop imports that module.
 * @throws ErrInvalidOption, and what `serve` throws, with nothing left open.
 */
export async function serveHttp(
  handler: FetchHandler | URL,
  address: string | readonly string[],
  options: HttpOptions = {},
): Promise<Server> {
  const { http, core } = resolveHttpOptions(options);
  const own = withDefaults(core);
  if (handler instanceof URL) {
    const { loopModuleFor } = await import('./loop-module.ts');
    return serve(loopModuleFor(handler, http), address, own);
  }
  checkHandler(handler);
  if (http.overrideGlobalObjects) useLightGlobals();
  const server = new FetchServer(handler, http, options.logger);
  return serve(server, address, { ...own, codec: fetchCodec });
}
