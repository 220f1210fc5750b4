import { isMainThread } from 'node:worker_threads';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import { hasSignals } from '../host/runtime-features.ts';
import type { Logger } from '../logging/logger.ts';
import { socketExtras } from './loop-settings.ts';
import type { ResolvedOptions } from './options.ts';
import { whyOneLoop } from './several-loops.ts';

let said = false;

/**
 * Says once per process that the driver is not the best one, and why: a warning where the kernel is
 * not called at all. Options that the driver cannot honour are named for each server.
 */
export function reportDriver(backend: Backend, options: ResolvedOptions, logger: Logger): void {
  const { name: driver, refused = [], optionsWithoutEffect } = backend;
  if (refused.length > 0 && isMainThread && !said) {
    said = true;
    const message = 'serving with a second-best driver: better ones do not work here';
    if (driver === 'node') logger.warn(message, { driver, refused });
    else logger.info(message, { driver, refused });
  }
  const withoutEffect = optionsWithoutEffect?.({
    receiveBufferBytes: options.socketRecvBuffer,
    sendBufferBytes: options.socketSendBuffer,
    busyPollMicroseconds: options.busyPoll,
    extras: socketExtras(options),
  });
  if (options.graceful !== undefined && !hasSignals()) {
    logger.info('the option graceful has no effect: this system has no signals', { driver });
  }
  if (withoutEffect === undefined || withoutEffect.length === 0) return;
  logger.info('some options have no effect with this driver', { driver, options: withoutEffect });
}

/** `multicore` was given, and there is one loop all the same. */
export function reportOneLoop(
  backend: Backend,
  endpoints: readonly Endpoint[],
  logger: Logger,
): void {
  const reason = whyOneLoop(backend, endpoints);
  logger.warn('serving with one loop, not with one for each CPU', { driver: backend.name, reason });
}
