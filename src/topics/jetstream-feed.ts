/** What a stream holds: from now on as it comes, and from before when someone asks. */
import {
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Deliver, DeliverStored } from './backplane.ts';
import { StreamReader } from './jetstream-replay.ts';
import type { NatsLink, NatsLinkUser } from './nats-link.ts';
import { topicOf } from './nats-subjects.ts';
import { RecentIds, RecentMessages, type StoredMessage } from './recent-messages.ts';

export const textHeader = 'Gnet-Text';

export interface FeedOptions {
  readonly prefix: string;
  /** As it is made when there is none of this name. */
  readonly stream: Partial<StreamConfig> & { readonly name: string };
  /** How many of the latest messages a loop keeps. */
  readonly recent: number;
  /** The most that one replay gives. */
  readonly replayMax: number;
}

/** In ms: how long one request for messages lasts, and how soon an unused consumer goes. */
const requestMs = 5_000;
const unusedMs = 30_000;
const batch = 500;
const notFound = 404;

async function streamOf(manager: JetStreamManager, config: FeedOptions['stream']) {
  try {
    return await manager.streams.info(config.name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.status !== notFound) throw error;
    return await manager.streams.add(config);
  }
}

export class JetStreamFeed implements NatsLinkUser {
  readonly #options: FeedOptions;
  readonly #recent: RecentMessages;
  #ids = new RecentIds();
  deliver: Deliver = () => {};
  #link: NatsLink | null = null;
  #connection: NatsConnection | null = null;
  #messages: ConsumerMessages | null = null;
  /** When the stream was made: another one counts from 1 again. */
  #created = '';
  /** The last message that has come, and where the stream ended when this began. */
  #received = 0;
  #liveFrom = 0;
  /** A connection that has ended meanwhile no longer counts. */
  #epoch = 0;
  readonly #begun = Promise.withResolvers<void>();
  #reader: StreamReader | null = null;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#recent = new RecentMessages(options.recent);
  }

  use(link: NatsLink): void {
    this.#link = link;
    this.#reader = new StreamReader({
      prefix: this.#options.prefix,
      streamName: this.#options.stream.name,
      replayMax: this.#options.replayMax,
      link,
      connection: () => this.#connection as NatsConnection,
      read: (message) => this.#read(message),
    });
  }

  connected(connection: NatsConnection): void {
    this.#connection = connection;
    void this.#open(connection, ++this.#epoch);
  }

  disconnected(): void {
    this.#epoch++;
  }

  async #open(connection: NatsConnection, epoch: number): Promise<void> {
    const link = this.#link as NatsLink;
    while (epoch === this.#epoch && !link.signal.aborted) {
      try {
        const manager = await jetstreamManager(connection, { checkAPI: false });
        const stream = await streamOf(manager, this.#options.stream);
        if (epoch !== this.#epoch) return;
        await this.#consume(connection, this.#beginning(stream), epoch);
        this.#begun.resolve();
        return;
      } catch (error) {
        if (epoch !== this.#epoch || link.signal.aborted) return;
        link.onError(error as Error);
        await link.pause();
      }
    }
  }

  /** The first message to ask for. */
  #beginning({ created, state }: StreamInfo): number {
    if (this.#created === '') {
      // Those before are kept for replays, and nobody has subscribed to them.
      this.#liveFrom = state.last_seq;
      this.#received = Math.max(state.first_seq - 1, state.last_seq - this.#options.recent, 0);
      this.#recent.clear(this.#received);
    } else if (created !== this.#created) {
      this.#liveFrom = 0;
      this.#received = 0;
      this.#recent.clear(0);
    }
    this.#created = created;
    return this.#received + 1;
  }

  async #consume(connection: NatsConnection, first: number, epoch: number): Promise<void> {
    this.#messages?.stop();
    const consumer = await jetstream(connection).consumers.get(this.#options.stream.name, {
      filter_subjects: `${this.#options.prefix}>`,
      opt_start_seq: first,
      inactive_threshold: unusedMs,
    });
    const callback = (message: JsMsg): void => {
      if (epoch === this.#epoch) this.#take(message);
    };
    const messages = await consumer.consume({
      callback,
      max_messages: batch,
      expires: requestMs,
    });
    if (epoch !== this.#epoch) return messages.stop();
    this.#messages = messages;
    void messages.closed().then(() => {
      // Ended by NATS, as when the stream was deleted.
      if (epoch === this.#epoch) void this.#open(connection, epoch);
    });
  }

  #read(message: JsMsg): StoredMessage | null {
    const topic = topicOf(this.#options.prefix, message.subject);
    if (topic === null) return null;
    const isText = message.headers?.has(textHeader) === true;
    const data = isText ? message.string() : Buffer.from(message.data);
    return { topic, data, position: message.seq };
  }

  #take(message: JsMsg): void {
    const { seq } = message;
    if (seq <= this.#received) return;
    this.#received = seq;
    const id = message.headers?.get('Nats-Msg-Id') ?? '';
    // Stored twice: the second came later than the stream remembers ids.
    if (id !== '' && !this.#ids.add(id)) return;
    const stored = this.#read(message);
    if (stored === null) return;
    this.#recent.add(stored);
    if (seq > this.#liveFrom) this.deliver(stored.topic, stored.data, seq);
  }

  async replay(filter: string, after: number, deliver: DeliverStored): Promise<void> {
    let last = Math.max(this.#liveFrom, this.#received);
    if (this.#created === '') {
      await this.#begun.promise;
      // Who asks before the beginning has heard everything since.
      last = this.#liveFrom;
    }
    // Someone who was further had another stream: all of this one is new to them.
    const from = after > last ? 0 : after;
    if (from >= this.#recent.floor && this.#received >= last) {
      return this.#recent.replay(filter, from, last, deliver);
    }
    await this.#reader?.replay(filter, from, last, deliver);
  }

  close(): void {
    this.#epoch++;
    this.#messages?.stop();
    // Replays that wait for the beginning find nothing.
    this.#begun.resolve();
  }
}
