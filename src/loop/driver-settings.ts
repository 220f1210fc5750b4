import { readHeadroomBytes } from '../base/limits.ts';
import type { DriverSettings } from '../driver/contract.ts';
import type { EventLoopSettings } from './event-loop-settings.ts';

/** What a loop asks of its driver. */
export function driverSettings(settings: EventLoopSettings): DriverSettings {
  const { index, connection, publication } = settings;
  return {
    readBufferBytes: settings.readBufferBytes,
    headroomBytes: readHeadroomBytes,
    busyPollMicroseconds: settings.busyPollMicroseconds,
    tellsDatagramErrors: connection.udpSessions !== undefined,
    // Broadcasts reach the socket of every loop: the first one takes them.
    skipsBroadcasts: index > 0,
    ...(publication && { ledger: publication.ledger }),
  };
}
