/** A backplane over NATS: publish and subscribe, at most once. */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Bytes } from '../index.ts';
import type { Backplane, BackplaneHub } from './backplane.ts';
import { Envelopes } from './envelope.ts';
import { FoundBefore } from './found-before.ts';
import { NatsLink, type NatsLinkOptions, type NatsLinkUser } from './nats-link.ts';
import { checkSubject, isWildSubject, subjectOf, subjectsOf, topicOf } from './nats-subjects.ts';
import { BackplaneErrors } from './program-calls.ts';

export interface NatsBackplaneOptions extends NatsLinkOptions {
  /** In front of every subject. Default `gnet.`. */
  readonly prefix?: string;
}

/** How many filters want a subject, and the subscription while there is a connection. */
interface Wanted {
  filters: number;
  subscription: Subscription | null;
}

/** What goes through NATS without being stored. */
export class NatsSubjects implements NatsLinkUser {
  readonly #prefix: string;
  readonly #onError: (error: Error) => void;
  #envelopes = new Envelopes('');
  readonly #wanted = new Map<string, Wanted>();
  /** By topic. */
  readonly #subjects: FoundBefore<string>;
  /** By subject. */
  readonly #topics: FoundBefore<string | null>;
  #deliver: (topic: string, data: Bytes) => void = () => {};
  #connection: NatsConnection | null = null;
  /** What is published while it is false is lost: the client would keep it without a bound. */
  #isConnected = false;

  constructor(prefix: string, onError: (error: Error) => void) {
    this.#prefix = prefix;
    this.#onError = onError;
    this.#subjects = new FoundBefore((topic) => subjectOf(prefix, topic));
    this.#topics = new FoundBefore((subject) => topicOf(prefix, subject));
  }

  start(deliver: (topic: string, data: Bytes) => void, hub: BackplaneHub): void {
    this.#envelopes = new Envelopes(hub.name);
    this.#deliver = deliver;
  }

  connected(connection: NatsConnection, isNew: boolean): void {
    this.#connection = connection;
    this.#isConnected = true;
    if (!isNew) return;
    for (const [subject, wanted] of this.#wanted) {
      wanted.subscription = this.#subscribeTo(connection, subject);
    }
  }

  disconnected(): void {
    this.#isConnected = false;
    if (this.#connection?.isClosed() === true) this.#connection = null;
  }

  #subscribeTo(connection: NatsConnection, subject: string): Subscription {
    // What comes says its subject in bytes: they need not be read where only one subject matches. Half a
    // surrogate pair is not sent as it is: others are the same there.
    const isExact = !isWildSubject(subject) && subject.isWellFormed();
    const exact = isExact ? topicOf(this.#prefix, subject) : null;
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) this.#take(exact ?? this.#topics.of(message.subject), message.data);
      else this.#onError(error);
    };
    return connection.subscribe(subject, { callback });
  }

  #take(topic: string | null, data: Uint8Array): void {
    if (topic === null) return;
    const content = this.#envelopes.open(data);
    if (content !== null) this.#deliver(topic, content);
  }

  publish(topic: string, data: Bytes): void {
    if (!this.#isConnected) return;
    try {
      this.#connection?.publish(this.#subjects.of(topic), this.#envelopes.pack(data));
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
}

class NatsBackplane implements Backplane {
  readonly #prefix: string;
  readonly #errors: BackplaneErrors;
  readonly #subjects: NatsSubjects;
  readonly #link: NatsLink;

  constructor(servers: string | readonly string[], options: NatsBackplaneOptions) {
    this.#prefix = options.prefix ?? 'gnet.';
    this.#errors = new BackplaneErrors(options.onError);
    const { tell: onError } = this.#errors;
    this.#subjects = new NatsSubjects(this.#prefix, onError);
    // What this process has sent is delivered before: NATS need not bring it again.
    const nats = { noEcho: true, ...options.nats };
    this.#link = new NatsLink(servers, { nats, onError }, [this.#subjects]);
  }

  start(deliver: (topic: string, data: Bytes) => void, hub: BackplaneHub): void {
    this.#errors.start(hub);
    this.#subjects.start(deliver, hub);
    void this.#link.start();
  }

  check(topic: string): void {
    checkSubject(this.#prefix, topic);
  }

  publish(topic: string, data: Bytes): void {
    this.#subjects.publish(topic, data);
  }

  subscribe(filter: string): void {
    this.#subjects.subscribe(filter);
  }

  unsubscribe(filter: string): void {
    this.#subjects.unsubscribe(filter);
  }

  close(): Promise<void> {
    this.#subjects.disconnected();
    return this.#link.close();
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
