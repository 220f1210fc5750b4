import type { Bytes } from '../index.ts';

/**
 * Carries what is published from one process to the others. An adapter for a broker is an object with
 * these; each loop has one of its own.
 */
export interface Backplane {
  /** Called once. `deliver` takes each message of another process once, whatever filters match. */
  start(deliver: (topic: string, data: Bytes) => void): void;
  /** Sends to the other processes, and never waits: what cannot be sent is lost. */
  publish(topic: string, data: Bytes): void;
  /** Messages that match are wanted from now on. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  /** Ends it; nothing is delivered any more. */
  close(): Promise<void>;
}
