import type { Bytes } from '../index.ts';

/** Of one message. */
export interface PublishOptions {
  /**
   * A name of the message, for backplanes that store: what is published again under the same id is
   * dropped. A client that does not know whether its message arrived can send it again. Other
   * backplanes ignore it.
   */
  readonly id?: string;
}

/**
 * Takes a message: of another process, or of any when the backplane stores it; `position` is where
 * it is stored.
 */
export type Deliver = (topic: string, data: Bytes, position?: number) => void;

/**
 * Carries messages from one process to the others. An adapter for a broker implements these
 * methods; each loop has its own.
 */
export interface Backplane {
  /**
   * Called once. Call `deliver` once for each message of another process, even if several filters
   * match. A message that the backplane stores is delivered to its own process this way, too.
   */
  start(deliver: Deliver): void;
  /** Sends to the other processes and never waits: a message that cannot be sent is lost. */
  publish(topic: string, data: Bytes, options?: PublishOptions): void;
  /** From now on, receive messages that match. */
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  /** Ends the backplane; it delivers nothing more. */
  close(): Promise<void>;
  /**
   * Whether messages of a topic are stored: then they reach everyone, this loop too, through the
   * broker alone, in one order. Absent: none are.
   */
  stores?(topic: string): boolean;
  /**
   * Of a backplane that stores: gives `deliver` the stored messages that match, from behind `after` up to
   * where `start`'s deliver is when this is called; those that follow come from there.
   */
  replay?(filter: string, after: number, deliver: Deliver): Promise<void>;
}
