/** An event loop over io_uring with so few receive buffers that most receives find none. */
import type { EventHandler } from '../../src/connection/conn.ts';
import { handlerCalls } from '../../src/connection/handler-events.ts';
import type { Backend } from '../../src/driver/backend.ts';
import type { DriverCounters } from '../../src/driver/contract.ts';
import { EventLoop } from '../../src/loop/event-loop.ts';
import { loopSettings } from '../../src/server/loop-settings.ts';
import { type Options, resolveOptions } from '../../src/server/options.ts';
import { tcp4At } from '../../testing/driver-contract-case.ts';

export interface TinyRing {
  readonly address: string;
  readonly loop: EventLoop;
  readonly counters: DriverCounters;
  /** How often a receive found no buffer. */
  starvations(): number;
  close(): void;
}

/** @throws ErrUnsupportedPlatform where io_uring does not work. */
export async function tinyRing(
  handler: EventHandler,
  buffers: number,
  options: Options,
): Promise<TinyRing> {
  const { IoUringDriver } = await import('../../src/driver/io-uring/io-uring-driver.ts');
  const { sharedThreadHost } = await import('../../src/host/node/shared-thread-host.ts');
  let driver: InstanceType<typeof IoUringDriver> | undefined;
  const backend: Backend = {
    name: 'io_uring',
    host: sharedThreadHost,
    create(events, settings) {
      driver = new IoUringDriver(events, settings, buffers);
      return driver;
    },
  };
  const owner = {
    shutdownRequested() {},
    loopDied(error: unknown) {
      throw error;
    },
  };
  const logger = { ...console, fatal: console.error };
  const settings = loopSettings(resolveOptions(options));
  const loop = new EventLoop(backend, handlerCalls(handler), settings, owner, logger);
  const address = loop.listening.listen(tcp4At(0));
  loop.start();
  return {
    address,
    loop,
    counters: loop.driver.counters,
    starvations: () => driver?.starvations ?? 0,
    close: () => loop.close(),
  };
}
