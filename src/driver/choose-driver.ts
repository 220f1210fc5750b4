/**
 * Which driver runs where, best first. Each is imported only when it is tried: a file that needs an
 * FFI must not be touched where there is none. `docs/drivers.md` tells programs about it.
 */
import { environment } from '../base/environment.ts';
import { ErrInvalidOption, ErrUnsupportedPlatform, GnetError } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { loadPlatform } from '../platform/index.ts';
import { runtimeDrivenHost, sharedThreadHost } from '../host/index.ts';
import type { Backend, RefusedDriver } from './backend.ts';
import type { DriverName } from './contract.ts';
import { backendGiven, type GivenDriver } from './given-driver.ts';

async function epollBackend(): Promise<Backend> {
  const { epollBackend: backend } = await import('./readiness/epoll-backend.ts');
  return backend(sharedThreadHost);
}

async function ioUringBackend(): Promise<Backend> {
  const { ioUringBackend: backend } = await import('./io-uring/io-uring-backend.ts');
  return backend(sharedThreadHost);
}

async function kqueueBackend(): Promise<Backend> {
  await loadPlatform();
  const { kqueueBackend: backend } = await import('./readiness/kqueue-backend.ts');
  return backend(sharedThreadHost);
}

async function nodeBackend(): Promise<Backend> {
  const { nodeBackend: backend } = await import('./node/node-backend.ts');
  return backend(await runtimeDrivenHost());
}

/** In the order in which `auto` tries them. */
const candidates: readonly (readonly [DriverName, () => Promise<Backend>])[] = [
  ['epoll', epollBackend],
  ['io_uring', ioUringBackend],
  ['kqueue', kqueueBackend],
  ['node', nodeBackend],
];

/** What `auto` does not even try: kernel interfaces of other systems, of which nobody wants to hear. */
function mayBeHere(name: DriverName): boolean {
  if (name === 'node') return true;
  return (process.platform === 'linux') === (name !== 'kqueue') && process.platform !== 'win32';
}

/** Names a driver in place of `auto`, for tests and for operators. */
const driverVariable = 'GNET_DRIVER';

/**
 * What works goes on working, and what the system does not have it will not get. A passing lack is
 * forgotten: the next server tries again.
 */
const tried = new Map<DriverName, Promise<Backend>>();

/**
 * The driver that was given, the one asked for, or the first that works.
 * @throws ErrUnsupportedPlatform when there is none, with the reason of each.
 * @throws ErrInvalidOption when GNET_DRIVER names no driver.
 */
export async function chooseBackend(option: 'auto' | DriverName | GivenDriver): Promise<Backend> {
  if (typeof option === 'object') return backendGiven(option) as Backend;
  const wanted = option === 'auto' ? fromEnvironment() : option;
  const refused: RefusedDriver[] = [];
  for (const [name, load] of candidates) {
    if (wanted === 'auto' ? !mayBeHere(name) : wanted !== name) continue;
    try {
      let attempt = tried.get(name);
      if (attempt === undefined) {
        attempt = load();
        tried.set(name, attempt);
      }
      const backend = await attempt;
      return refused.length === 0 ? backend : { ...backend, refused };
    } catch (error) {
      if (isPassingLack(error)) tried.delete(name);
      refused.push({ name, reason: reasonOf(error) });
    }
  }
  const reasons = refused.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new ErrUnsupportedPlatform(
    `cannot use the driver '${wanted}': ${reasons === '' ? 'there is no such driver here' : reasons}`,
  );
}

function fromEnvironment(): 'auto' | DriverName {
  const given = environment[driverVariable] ?? '';
  if (given === '' || given === 'auto') return 'auto';
  const names = candidates.map(([name]) => name);
  const known = names.find((name) => name === given);
  if (known !== undefined) return known;
  throw new ErrInvalidOption(
    `cannot use ${driverVariable}=${given}: give auto, ${names.join(', ')}, or nothing`,
  );
}

/** Of descriptors or memory: of the process, of the user, of the system. */
const passingLacks: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'ENOSPC',
  'EAGAIN',
]);

function isPassingLack(error: unknown): boolean {
  if (!(error instanceof GnetError)) return false;
  return passingLacks.has(error.code) || isPassingLack(error.cause);
}

/** Errors that are none of ours come from an FFI or a system that is not as expected. */
function reasonOf(error: unknown): string {
  if (error instanceof GnetError) return error.message;
  return textOf(error);
}
