/** Messages on their way into a stream: each is kept until NATS says that it is stored. */
import { type JetStreamClient, JetStreamApiError, jetstream } from '@nats-io/jetstream';
import { errors, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import type { NatsLink, NatsLinkUser } from './nats-link.ts';

interface Pending {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly headers: MsgHdrs;
  readonly bytes: number;
  isSent: boolean;
}

type OutboxState =
  | 'away'
  /** After a connection or a failure one message goes first, so that the others do not overtake it. */
  | 'probing'
  | 'open'
  /** Waits before it tries again. */
  | 'resting';

export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * For the answer to one message, in ms. The first one shows whether the stream is there, and is not waited
 * for as long.
 */
const ackMs = 5_000;
const firstAckMs = 1_000;

/** Never to be stored, however often it is tried. */
function isRefusal(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status < 500;
  return error instanceof errors.InvalidArgumentError;
}

/** The server ends the connection of who sends it this, whenever it is sent. */
function isViolation(error: Error): boolean {
  return /maximum (control line|payload)/i.test(error.message);
}

export class JetStreamOutbox implements NatsLinkUser {
  readonly #limits: OutboxLimits;
  /** By id, in order. */
  readonly #pending = new Map<string, Pending>();
  #link: NatsLink | null = null;
  #client: JetStreamClient | null = null;
  #state: OutboxState = 'away';
  #bytes = 0;
  /** Went first when the server last ended the connection. */
  #suspect = '';
  /** Answers of an earlier one no longer count. */
  #epoch = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  use(link: NatsLink): void {
    this.#link = link;
  }

  connected(connection: NatsConnection): void {
    this.#client = jetstream(connection);
    this.#restart('probing');
  }

  disconnected(): void {
    this.#restart('away');
  }

  /**
   * The one that went first cannot be sent, if that happens twice in a row: the others are not to wait
   * for it for ever. Once may be the fault of something else that shares the connection.
   */
  refused(error: Error): void {
    if (this.#state !== 'probing' || !isViolation(error)) return;
    for (const [id, { isSent }] of this.#pending) {
      if (!isSent) continue;
      if (id === this.#suspect) this.#remove(id);
      this.#suspect = id;
    }
  }

  #remove(id: string): void {
    const one = this.#pending.get(id);
    if (one === undefined) return;
    this.#pending.delete(id);
    this.#bytes -= one.bytes;
  }

  #restart(state: OutboxState): void {
    this.#epoch++;
    this.#state = state;
    for (const one of this.#pending.values()) one.isSent = false;
    this.#send();
  }

  add(subject: string, data: Uint8Array | string, id: string, headers: MsgHdrs): void {
    if (this.#pending.has(id)) return;
    const bytes = data.length;
    const { messages, bytes: bytesMax } = this.#limits;
    if (this.#pending.size >= messages || this.#bytes + bytes > bytesMax) {
      const what = `${this.#pending.size} messages of ${this.#bytes} bytes wait to be stored`;
      this.#link?.onError(new Error(`Cannot keep a message for ${subject}: ${what}`));
      return;
    }
    this.#bytes += bytes;
    const one: Pending = { subject, data, headers, bytes, isSent: false };
    this.#pending.set(id, one);
    if (this.#state === 'open') void this.#store(id, one);
    else this.#send();
  }

  /** The first, or all. */
  #send(): void {
    if (this.#state !== 'probing' && this.#state !== 'open') return;
    for (const [id, one] of this.#pending) {
      if (!one.isSent) void this.#store(id, one);
      if (this.#state === 'probing') return;
    }
  }

  async #store(id: string, one: Pending): Promise<void> {
    const epoch = this.#epoch;
    one.isSent = true;
    try {
      const { subject, data, headers } = one;
      const timeout = this.#state === 'probing' ? firstAckMs : ackMs;
      await this.#client?.publish(subject, data, { msgID: id, headers, timeout });
    } catch (error) {
      if (!isRefusal(error)) {
        if (epoch === this.#epoch) await this.#rest(error as Error);
        return;
      }
      this.#link?.onError(error as Error);
    }
    // Stored for good, or never, even if the connection is another one by now.
    this.#remove(id);
    if (epoch !== this.#epoch) return;
    if (this.#state !== 'probing') return;
    this.#state = 'open';
    this.#send();
  }

  async #rest(error: Error): Promise<void> {
    const link = this.#link as NatsLink;
    this.#restart('resting');
    const epoch = this.#epoch;
    link.onError(error);
    await link.pause();
    if (epoch === this.#epoch) this.#restart('probing');
  }
}
