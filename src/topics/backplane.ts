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

/** A message as it comes to a loop. */
export interface Delivered {
  readonly topic: string;
  readonly data: Bytes;
  /** Where the backplane has stored it, for `resume`. Absent with one that does not store. */
  readonly position?: number;
}

/**
 * Takes one stored message. Resolves when it has been taken, which is when to give the next one; false
 * if no more is wanted. Never rejects.
 */
export type DeliverStored = (topic: string, data: Bytes, position?: number) => Promise<boolean>;

/** The topics of one loop, as a backplane knows them. */
export interface BackplaneHub {
  /** Hubs of one process and name hear one another without a broker. */
  readonly name: string;
  /** Where errors go for which the backplane has no `onError` of its own. Never throws. */
  onError(error: unknown): void;
}

/**
 * Carries messages from one process to the others. An adapter for a broker implements these
 * methods; each loop has its own.
 */
export interface Backplane {
  /**
   * Called once. Call `deliver` once for each message of another process, even if several filters
   * match. A message that the backplane stores is delivered to its own process this way, too; of the
   * others those that hubs of this process and another name have sent.
   */
  start(deliver: Deliver, hub: BackplaneHub): void;
  /** Sends to the other processes and never waits: a message that cannot be sent is lost. */
  publish(topic: string, data: Bytes, options?: PublishOptions): void;
  /**
   * Throws if the broker cannot carry a topic or filter, ErrTopicTooLong for one that is too long for it.
   * Asked before `subscribe`, and before `publish` under a topic that it has not let pass yet. Absent:
   * it carries all.
   */
  check?(topic: string): void;
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
   * where `start`'s deliver is when this is called; those that follow come from there. Wait for each: what
   * is given at once is kept, and a subscriber for which more than 16 MiB wait is disconnected.
   */
  replay?(filter: string, after: number, deliver: DeliverStored): Promise<void>;
}
