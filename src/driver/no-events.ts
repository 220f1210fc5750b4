import type { DriverEvents } from './contract.ts';

const ignore = (): void => {};

/** For a driver whose events do not matter: it exists only for its sockets. */
export const noEvents: DriverEvents = {
  accepted: ignore,
  acceptRested: ignore,
  received: ignore,
  ended: ignore,
  failed: ignore,
  writable: ignore,
  connected: ignore,
  datagram: ignore,
  datagramFailed: ignore,
};
