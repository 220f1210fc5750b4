/** A connection to NATS that comes back, whatever ends it. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

export interface NatsLinkOptions {
  /** Of `@nats-io/transport-node`: name, user, token, TLS, waits between attempts, ... */
  readonly nats?: Omit<NodeConnectionOptions, 'servers'>;
  /**
   * Is told why NATS cannot be reached, or what it refuses. Attempts go on. Default: `onError` of the
   * topics.
   */
  readonly onError?: (error: Error) => void;
}

/** Who uses the link. */
export interface NatsLinkUser {
  /** There is a connection: a new one, or the same after it was away. */
  connected(connection: NatsConnection, isNew: boolean): void;
  disconnected(): void;
  /** The server has told of an error, and may end the connection. */
  refused?(error: Error): void;
}

/** Between attempts, in ms. */
const retryMs = 500;

export class NatsLink {
  readonly #settings: NodeConnectionOptions;
  readonly #users: readonly NatsLinkUser[];
  readonly #end = new AbortController();
  readonly onError: (error: Error) => void;
  #connection: NatsConnection | null = null;

  constructor(
    servers: string | readonly string[],
    options: NatsLinkOptions,
    users: readonly NatsLinkUser[],
  ) {
    this.onError = options.onError ?? (() => {});
    this.#users = users;
    this.#settings = {
      maxReconnectAttempts: -1,
      reconnectTimeWait: retryMs,
      ...options.nats,
      servers: [servers].flat(),
    };
  }

  /** Between attempts, in ms. */
  get retryMs(): number {
    return this.#settings.reconnectTimeWait ?? retryMs;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  async start(): Promise<void> {
    const { signal } = this;
    while (!signal.aborted) {
      try {
        const connection = await connect(this.#settings);
        if (signal.aborted) return await connection.close();
        this.#connection = connection;
        void this.#watch(connection);
        this.#tell(connection, true);
        return;
      } catch (error) {
        this.onError(error as Error);
        await this.pause();
      }
    }
  }

  /** Until the next attempt, or the end. */
  async pause(): Promise<void> {
    await delay(this.retryMs, undefined, { signal: this.signal }).catch(() => {});
  }

  #tell(connection: NatsConnection, isNew: boolean): void {
    for (const user of this.#users) user.connected(connection, isNew);
  }

  #lost(): void {
    for (const user of this.#users) user.disconnected();
  }

  #away(server: string): void {
    this.#lost();
    if (this.signal.aborted) return;
    this.onError(new Error(`lost the connection to NATS at ${server}: reconnecting`));
  }

  #refused(error: Error): void {
    for (const user of this.#users) user.refused?.(error);
    this.onError(error);
  }

  /** Later connections are the client's own: it subscribes again by itself. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#away(status.server);
      else if (status.type === 'reconnect') this.#tell(connection, false);
      else if (status.type === 'error') this.#refused(status.error);
    }
    this.#lost();
    if (this.signal.aborted) return;
    // Given up by the client, as when the server refuses it more than once.
    this.#connection = null;
    await this.start();
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#connection?.close();
  }
}
