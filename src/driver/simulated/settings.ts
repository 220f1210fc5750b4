import { roughFaults, type SimulatedClock, type SimulatedFaults } from './faults.ts';

export interface SimulatedSettings {
  /** The same seed and the same calls give the same run. */
  readonly seed: number;
  readonly faults: SimulatedFaults;
  readonly clock: SimulatedClock;
  /** Bytes per slab handed to `received` and `datagram`. */
  readonly slabBytes: number;
  /** What one side of a stream holds for its reader, where SO_RCVBUF and SO_SNDBUF say nothing. */
  readonly channelBytes: number;
  readonly acceptsPerWaitMax: number;
  readonly datagramsPerWaitMax: number;
  /** As `DriverSettings` has it. */
  readonly tellsDatagramErrors: boolean;
  /** Bytes of one read at most. */
  readonly readBytesMax: number;
}

export const defaultSettings = {
  seed: 1,
  faults: roughFaults,
  slabBytes: 64 * 1024,
  channelBytes: 256 * 1024,
  acceptsPerWaitMax: 16,
  datagramsPerWaitMax: 64,
  tellsDatagramErrors: false,
  readBytesMax: Number.POSITIVE_INFINITY,
};
