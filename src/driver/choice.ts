/**
 * Which driver runs where, best first. Each is imported only when it is chosen: a file that needs an
 * FFI must not be touched where there is none.
 */
import { ErrUnsupportedPlatform, GnetError } from '../base/errors.ts';
import type { Backend } from './backend.ts';
import type { DriverName } from './contract.ts';

async function epollBackend(): Promise<Backend> {
  const { createEpollDriver } = await import('./epoll.ts');
  const { hostLoop } = await import('../host/host-loop.ts');
  return { name: 'epoll', host: hostLoop, create: createEpollDriver };
}

async function ioUringBackend(): Promise<Backend> {
  const { createIoUringDriver } = await import('./io-uring.ts');
  const { probeIoUring } = await import('./io-uring/probe.ts');
  const { hostLoop } = await import('../host/host-loop.ts');
  probeIoUring();
  return { name: 'io_uring', host: hostLoop, create: createIoUringDriver };
}

const candidates: readonly (readonly [DriverName, () => Promise<Backend>])[] = [
  ['epoll', epollBackend],
  ['io_uring', ioUringBackend],
];

/**
 * The driver asked for, by the option or, where that says `auto`, by the environment's `GNET_DRIVER`;
 * otherwise the first that works.
 * @throws ErrUnsupportedPlatform when there is none, with the reason of each.
 */
export async function chooseBackend(option: 'auto' | DriverName): Promise<Backend> {
  const wanted = option === 'auto' ? process.env['GNET_DRIVER'] || 'auto' : option;
  const reasons: string[] = [];
  for (const [name, load] of candidates) {
    if (wanted !== 'auto' && wanted !== name) continue;
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof GnetError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  const why = reasons.length === 0 ? 'there is no such driver here' : reasons.join('; ');
  throw new ErrUnsupportedPlatform(`cannot use the driver '${wanted}': ${why}`);
}
