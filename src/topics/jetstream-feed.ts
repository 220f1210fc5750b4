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
import type { Deliver } from './backplane.ts';
import type { NatsLink, NatsLinkUser } from './nats-link.ts';
import { subjectsOf, topicOf } from './nats-subjects.ts';
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
/** Replays that are read from the stream at the same time. */
const readersMax = 8;
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
  readonly #readers: Promise<void>[] = [];
  #reader = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#recent = new RecentMessages(options.recent);
  }

  use(link: NatsLink): void {
    this.#link = link;
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

  async replay(filter: string, after: number, deliver: Deliver): Promise<void> {
    let last = Math.max(this.#liveFrom, this.#received);
    if (this.#created === '') {
      await this.#begun.promise;
      // Who asks before the beginning has heard everything since.
      last = this.#liveFrom;
    }
    // Someone who was further had another stream: all of this one is new to them.
    const from = after > last ? 0 : after;
    if (from >= this.#recent.floor && this.#received >= last) {
      this.#recent.replay(filter, from, last, deliver);
      return;
    }
    const lane = this.#reader++ % readersMax;
    const before = this.#readers[lane] ?? Promise.resolve();
    const reading = before.then(() => this.#collect(filter, from, last));
    this.#readers[lane] = reading.then(() => {});
    for (const { topic, data, position } of await reading) deliver(topic, data, position);
  }

  async #collect(filter: string, after: number, last: number): Promise<StoredMessage[]> {
    const link = this.#link as NatsLink;
    while (!link.signal.aborted) {
      try {
        const found: StoredMessage[] = [];
        for (const subject of subjectsOf(this.#options.prefix, filter)) {
          await this.#fetch(subject, after, last, found);
        }
        return found.sort((a, b) => a.position - b.position).slice(-this.#options.replayMax);
      } catch (error) {
        if (!link.signal.aborted) link.onError(error as Error);
        await link.pause();
      }
    }
    return [];
  }

  async #fetch(subject: string, after: number, last: number, found: StoredMessage[]) {
    const { stream, replayMax } = this.#options;
    const consumer = await jetstream(this.#connection as NatsConnection).consumers.get(
      stream.name,
      { filter_subjects: subject, opt_start_seq: after + 1, inactive_threshold: unusedMs },
    );
    const ids = new RecentIds();
    let { num_pending: left } = await consumer.info(true);
    while (left > 0) {
      const messages = await consumer.fetch({
        max_messages: Math.min(left, batch),
        expires: requestMs,
      });
      let count = 0;
      for await (const message of messages) {
        count++;
        if (message.seq > last) left = 0;
        else {
          const stored = ids.add(message.headers?.get('Nats-Msg-Id') || `${message.seq}`);
          const one = stored ? this.#read(message) : null;
          if (one !== null) found.push(one);
        }
      }
      if (found.length > 2 * replayMax) found.splice(0, found.length - replayMax);
      left -= count;
      // The stream has dropped what was left.
      if (count === 0) break;
    }
    await consumer.delete();
  }

  close(): void {
    this.#epoch++;
    this.#messages?.stop();
    // Replays that wait for the beginning find nothing.
    this.#begun.resolve();
  }
}
