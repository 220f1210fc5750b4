/** A backplane over NATS: publish and subscribe, at most once. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  connect,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  type Subscription,
} from '@nats-io/transport-node';
import type { Bytes } from '../index.ts';
import type { Backplane } from './backplane.ts';
import { Envelopes } from './envelope.ts';
import { subjectOf, subjectsOf, topicOf } from './nats-subjects.ts';

export interface NatsBackplaneOptions {
  /** In front of every subject. Default `gnet.`. */
  readonly prefix?: string;
  /** Of `@nats-io/transport-node`: name, user, token, TLS, waits between attempts, ... */
  readonly nats?: Omit<NodeConnectionOptions, 'servers'>;
  /** Is told why NATS cannot be reached, or what it refuses. Attempts go on. */
  readonly onError?: (error: Error) => void;
}

/** Between attempts, in ms. */
const retryMs = 500;

/** How many filters want a subject, and the subscription while there is a connection. */
interface Wanted {
  filters: number;
  subscription: Subscription | null;
}

class NatsBackplane implements Backplane {
  readonly #prefix: string;
  readonly #settings: NodeConnectionOptions;
  readonly #onError: (error: Error) => void;
  readonly #envelopes = new Envelopes();
  readonly #wanted = new Map<string, Wanted>();
  readonly #end = new AbortController();
  #deliver: (topic: string, data: Bytes) => void = () => {};
  #connection: NatsConnection | null = null;
  /** What is published while it is false is lost: the client would keep it without a bound. */
  #isConnected = false;

  constructor(servers: string | readonly string[], options: NatsBackplaneOptions) {
    this.#prefix = options.prefix ?? 'gnet.';
    this.#onError = options.onError ?? (() => {});
    this.#settings = {
      maxReconnectAttempts: -1,
      reconnectTimeWait: retryMs,
      ...options.nats,
      servers: [servers].flat(),
    };
  }

  start(deliver: (topic: string, data: Bytes) => void): void {
    this.#deliver = deliver;
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        const connection = await connect(this.#settings);
        if (signal.aborted) return await connection.close();
        this.#connected(connection);
        return;
      } catch (error) {
        this.#onError(error as Error);
        await delay(this.#settings.reconnectTimeWait ?? retryMs, undefined, { signal }).catch(
          () => {},
        );
      }
    }
  }

  #connected(connection: NatsConnection): void {
    this.#connection = connection;
    this.#isConnected = true;
    for (const [subject, wanted] of this.#wanted) {
      wanted.subscription = this.#subscribeTo(connection, subject);
    }
    void this.#watch(connection);
  }

  /** Later connections are the client's own: it subscribes again by itself. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#isConnected = false;
      else if (status.type === 'reconnect') this.#isConnected = true;
      else if (status.type === 'error') this.#onError(status.error);
    }
    this.#isConnected = false;
    if (this.#end.signal.aborted) return;
    // Given up by the client, as when the server refuses it more than once.
    this.#connection = null;
    await this.#connect();
  }

  #subscribeTo(connection: NatsConnection, subject: string): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) this.#take(message);
      else this.#onError(error);
    };
    return connection.subscribe(subject, { callback });
  }

  #take({ subject, data }: Msg): void {
    const topic = topicOf(this.#prefix, subject);
    if (topic === null) return;
    const content = this.#envelopes.open(Buffer.from(data.buffer, data.byteOffset, data.length));
    if (content !== null) this.#deliver(topic, content);
  }

  publish(topic: string, data: Bytes): void {
    if (!this.#isConnected) return;
    try {
      this.#connection?.publish(subjectOf(this.#prefix, topic), this.#envelopes.pack(data));
    } catch (error) {
      // Larger than the server takes, or the connection ends just now.
      this.#onError(error as Error);
    }
  }

  subscribe(filter: string): void {
    for (const subject of subjectsOf(this.#prefix, filter)) {
      const wanted = this.#wanted.get(subject);
      if (wanted !== undefined) {
        wanted.filters++;
        continue;
      }
      const connection = this.#connection;
      const subscription = connection === null ? null : this.#subscribeTo(connection, subject);
      this.#wanted.set(subject, { filters: 1, subscription });
    }
  }

  unsubscribe(filter: string): void {
    for (const subject of subjectsOf(this.#prefix, filter)) {
      const wanted = this.#wanted.get(subject);
      if (wanted === undefined || --wanted.filters > 0) continue;
      this.#wanted.delete(subject);
      wanted.subscription?.unsubscribe();
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#isConnected = false;
    await this.#connection?.close();
  }
}

/**
 * Topics over NATS: `topics(server, { backplane: natsBackplane('nats://127.0.0.1:4222') })`. Needs the
 * package `@nats-io/transport-node`. It connects and reconnects by itself and subscribes again; what is
 * published meanwhile is lost. A message is at most as large as the server takes, 1 MiB by default.
 */
export function natsBackplane(
  servers: string | readonly string[] = 'nats://127.0.0.1:4222',
  options: NatsBackplaneOptions = {},
): Backplane {
  return new NatsBackplane(servers, options);
}
