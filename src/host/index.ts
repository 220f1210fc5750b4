/**
 * Who gives loops their turns on this runtime. A runtime is a folder here; each is imported only when
 * its host is asked for, since a host may need an FFI that is not there.
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import type { LoopHost } from './contract.ts';

export type { HostedLoop, LoopHost } from './contract.ts';

export type HostFor = typeof sharedThreadHost;

/**
 * For drivers that sleep in the kernel: they share the thread with the runtime's own event loop.
 * @param name what calls the kernel, in the words of `ForeignInterface`.
 */
export async function sharedThreadHost(name: string): Promise<LoopHost> {
  if (process.platform !== 'linux' && (name === 'bun:ffi' || name === 'Deno.dlopen')) {
    // Their loops cannot be asked how long they may sleep, and what sleeps for them is epoll(7).
    throw new ErrUnsupportedPlatform(
      `cannot share a thread with the event loop of this runtime on ${process.platform}: only Node can`,
    );
  }
  switch (name) {
    case 'bun:ffi':
      return (await import('./bun/shared-thread-host.ts')).sharedThreadHost;
    case 'Deno.dlopen':
      return (await import('./deno/shared-thread-host.ts')).sharedThreadHost;
    default:
      return (await import('./node/shared-thread-host.ts')).sharedThreadHost;
  }
}

/** For drivers over the runtime's own sockets: the runtime waits, and a loop asks for its turns. */
export async function runtimeDrivenHost(): Promise<LoopHost & { requestTurn(): void }> {
  return (await import('./runtime-driven-host.ts')).runtimeDrivenHost;
}
