/**
 * The handler module of a server whose `fetch` is in a module of the program. Each loop imports it, and
 * what it needs to know stands in its URL: nothing else reaches the thread of a loop.
 */
import { ErrInvalidOption, ErrUnsupportedOp } from '../index.ts';
import { FetchServer, fetchCodec } from './fetch-server.ts';
import { limitsFrom } from './limits.ts';
import { checkHandler, type HttpOptions, type ResolvedHttpOptions } from './options.ts';
import { useLightGlobals } from './web-globals.ts';

interface FetchModule {
  readonly default?: unknown;
  readonly onError?: HttpOptions['onError'];
}

/**
 * The URL of this module for a `fetch` module.
 * @throws ErrInvalidOption for options that cannot be written there.
 */
export function loopModuleFor(module: URL, options: ResolvedHttpOptions): URL {
  if (options.onError !== undefined) {
    throw new ErrInvalidOption(
      'cannot use option onError with a module: it cannot be sent to other threads; ' +
        'export it as onError from the module',
    );
  }
  const url = new URL(import.meta.url);
  if (!/\/loop-module\.[a-z]+$/.test(url.pathname)) {
    throw new ErrUnsupportedOp(
      'cannot serve a module from inside a bundle: leave gnet out of the bundle',
    );
  }
  url.searchParams.set('module', module.href);
  url.searchParams.set('options', JSON.stringify(options));
  return url;
}

export const codec = fetchCodec;

export default async function serveModule(): Promise<FetchServer> {
  const { searchParams } = new URL(import.meta.url);
  const given = JSON.parse(searchParams.get('options') ?? '{}') as ResolvedHttpOptions;
  // Before the module: it may keep what it finds under these names.
  if (given.overrideGlobalObjects) useLightGlobals();
  const module = (await import(searchParams.get('module') ?? '')) as FetchModule;
  const handler = module.default;
  checkHandler(handler);
  const options = { ...given, limits: limitsFrom(given.limits), onError: module.onError };
  return new FetchServer(handler, options);
}
