/** Reads what a stream has stored, page by page, as fast as it is taken. */
import { type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { DeliverStored } from './backplane.ts';
import type { NatsLink } from './nats-link.ts';
import { subjectsOf } from './nats-subjects.ts';
import { RecentIds, type StoredMessage } from './recent-messages.ts';

export interface StreamReaderOptions {
  readonly prefix: string;
  readonly streamName: string;
  /** The most that one replay gives. */
  readonly replayMax: number;
  readonly link: NatsLink;
  connection(): NatsConnection;
  read(message: JsMsg): StoredMessage | null;
}

/** What is asked for: all behind `from` up to `last`. */
interface Replay {
  readonly subjects: readonly string[];
  readonly last: number;
  from: number;
  /** Messages of the next page. */
  size: number;
  /** Older ones than the most that one replay gives. */
  skip: number;
  /** Of messages that were stored twice. */
  readonly ids: RecentIds;
}

interface Page {
  readonly messages: JsMsg[];
  readonly hasMore: boolean;
}

/** In ms: how long one request for messages lasts, and how soon an unused consumer goes. */
const requestMs = 5_000;
const unusedMs = 30_000;
/** Replays that are read from the stream at the same time. */
const lanesMax = 8;
/** Messages of a page: one, as it may be large, and more if they are small. */
const firstPage = 1;
const largestPage = 500;
/** Bytes of a page, of which a replay keeps one while its subscriber takes it. */
const pageBytes = 512 * 1024;

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #lanes: Promise<unknown>[] = [];
  #lane = 0;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  /** Starts again from where it is whenever NATS goes away. */
  async replay(filter: string, after: number, last: number, deliver: DeliverStored): Promise<void> {
    const { link, prefix } = this.#options;
    const subjects = subjectsOf(prefix, filter);
    const ids = new RecentIds();
    const replay: Replay = { subjects, last, from: after, size: firstPage, skip: -1, ids };
    while (replay.from < last && !link.signal.aborted) {
      let messages: StoredMessage[];
      try {
        messages = await this.#inLane(() => this.#next(replay));
      } catch (error) {
        if (!link.signal.aborted) link.onError(error as Error);
        await link.pause();
        continue;
      }
      for (let one = messages.shift(); one !== undefined; one = messages.shift()) {
        if (!(await deliver(one.topic, one.data, one.position))) return;
      }
    }
  }

  /** Only reading takes a lane, not waiting for a subscriber. */
  #inLane<Result>(work: () => Promise<Result>): Promise<Result> {
    const lane = this.#lane++ % lanesMax;
    const result = (this.#lanes[lane] ?? Promise.resolve()).then(work);
    this.#lanes[lane] = result.catch(() => {});
    return result;
  }

  async #next(replay: Replay): Promise<StoredMessage[]> {
    if (replay.skip < 0) replay.skip = await this.#tooMany(replay);
    const pages: Page[] = [];
    const { subjects, from, size } = replay;
    for (const subject of subjects) pages.push(await this.#page(subject, from, size));
    // By what was read: what is skipped costs as much.
    replay.size = nextSize(
      size,
      pages.flatMap(({ messages }) => messages),
    );
    // Of two subjects, as far as both are known.
    let end = replay.last;
    for (const { messages, hasMore } of pages) {
      if (hasMore) end = Math.min(end, messages.at(-1)?.seq ?? end);
    }
    const found = pages.flatMap(({ messages }) => messages.filter(({ seq }) => seq <= end));
    replay.from = end;
    return found.sort((a, b) => a.seq - b.seq).flatMap((message) => this.#take(replay, message));
  }

  #take(replay: Replay, message: JsMsg): StoredMessage[] {
    if (replay.skip > 0) {
      replay.skip--;
      return [];
    }
    const isNew = replay.ids.add(message.headers?.get('Nats-Msg-Id') || `${message.seq}`);
    const stored = isNew ? this.#options.read(message) : null;
    return stored === null ? [] : [stored];
  }

  async #tooMany({ subjects, from, last }: Replay): Promise<number> {
    const { replayMax } = this.#options;
    if (last - from <= replayMax) return 0;
    let count = 0;
    for (const subject of subjects) {
      count += (await this.#pending(subject, from)) - (await this.#pending(subject, last));
    }
    return Math.max(0, count - replayMax);
  }

  async #pending(subject: string, after: number): Promise<number> {
    const consumer = await this.#consumer(subject, after);
    const { num_pending: pending } = await consumer.info(true);
    await consumer.delete();
    return pending;
  }

  #consumer(subject: string, after: number) {
    return jetstream(this.#options.connection()).consumers.get(this.#options.streamName, {
      filter_subjects: subject,
      opt_start_seq: after + 1,
      inactive_threshold: unusedMs,
    });
  }

  async #page(subject: string, after: number, size: number): Promise<Page> {
    const consumer = await this.#consumer(subject, after);
    const { num_pending: pending } = await consumer.info(true);
    const messages: JsMsg[] = [];
    if (pending > 0) {
      const max_messages = Math.min(pending, size);
      const fetched = await consumer.fetch({ max_messages, expires: requestMs });
      for await (const message of fetched) messages.push(message);
    }
    await consumer.delete();
    // Without any, the stream has dropped what was left.
    return { messages, hasMore: messages.length > 0 && messages.length < pending };
  }
}

/** The next page has about as many bytes as one may have. */
function nextSize(size: number, messages: readonly JsMsg[]): number {
  if (messages.length === 0) return size;
  let bytes = 0;
  for (const { data } of messages) bytes += data.length;
  const fitting = Math.floor((pageBytes * messages.length) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, 4 * size, largestPage));
}
