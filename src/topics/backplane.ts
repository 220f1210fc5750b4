import type { Bytes } from '../index.ts';

/**
 * Carries messages from one process to the others. An adapter for a broker implements these
 * methods; each loop has its own.
 */
export interface Backplane {
  /**
   * Called once. Call `deliver` once for each message of another process, even if several filters
   * match.
   */
  start(deliver: (topic: string, data: Bytes) => void): void;
  /** Sends to the other processes and never waits: a message that cannot be sent is lost. */
  publish(topic: string, data: Bytes): void;
  /** From now on, receive messages that match. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  /** Ends the backplane; it delivers nothing more. */
  close(): Promise<void>;
}
