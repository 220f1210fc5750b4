import type { SlabPool } from '../buffer/slab.ts';
import type { SpareQueues } from '../buffer/spare-queues.ts';
import type { CodecOption, ICodec } from '../codec/codec.ts';
import type { Driver, SocketOptions } from '../driver/contract.ts';
import type { EventScope } from '../host/event-scope.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import type { EncodeSink } from './encode-sink.ts';
import type { EventHandler } from './conn.ts';
import type { LoopView } from './conn.ts';
import type { Leaks } from './leaks.ts';
import type { ProxyProtocolSettings } from './proxy-protocol/settings.ts';
import type { ReadWindow } from './read-window.ts';
import type { SharedSends } from './shared-sends.ts';
import type { TimeLimits } from './timeout-values.ts';

/** Limits of every connection of a server; bytes and milliseconds. */
export interface ConnectionSettings {
  readonly codec: CodecOption<unknown> | undefined;
  readonly highWaterMark: number;
  readonly lowWaterMark: number;
  readonly maxOutboundBytes: number;
  readonly maxInboundBytes: number;
  readonly maxFrameLength: number;
  readonly closeOnOverflow: boolean;
  readonly pauseOnOverflow: boolean;
  readonly allowHalfOpen: boolean;
  readonly timeouts: TimeLimits;
  readonly socket: SocketOptions;
  /** Milliseconds for what comes before `onOpened`; 0 is off. */
  readonly handshakeTimeout: number;
  /** Undefined: no sessions, only single datagrams. */
  readonly udpSessions?: { readonly idleTimeout: number; readonly max: number } | undefined;
  /** Undefined: connections begin with their own bytes. */
  readonly proxyProtocol: ProxyProtocolSettings | undefined;
}

/** A handler of a connection, and which events it has: what is not there is not called. */
export interface HandlerEvents {
  readonly handler: EventHandler<unknown>;
  readonly onOpened: boolean;
  readonly onClosed: boolean;
  readonly preWrite: boolean;
  readonly react: boolean;
  readonly onDrain: boolean;
  readonly onEnd: boolean;
  readonly signalClose: boolean;
  readonly onError: boolean;
}

/** The handler of a loop, and how it is called. */
export interface HandlerCalls {
  readonly handler: EventHandler<unknown>;
  readonly events: HandlerEvents;
  /** The async context that events run in: that of the code that called `serve`. */
  readonly scope: EventScope;
  /** How the events of a connection's own handler are called. */
  readonly ofConnection: (own: HandlerEvents) => HandlerEvents;
  /** One is at work on this loop: what it writes calls no other. */
  preWriteRuns: boolean;
}

/** A connection as its loop sees it. */
export interface OwnedConnection {
  readonly slot: number;
  readonly generation: number;
  /** The flush that `scheduleFlush` asked for. */
  flushPending(): void;
  /** What `scheduleTasks` asked for. */
  runTasks(): void;
  /** The time of its deadline has come; up to `now` everything that arrived was handled. */
  deadlinePassed(now: number): void;
}

/** Something that a deadline wheel calls, with the wheel's links. */
export interface ScheduledDeadline {
  deadlineNext: ScheduledDeadline | null;
  deadlinePrevious: ScheduledDeadline | null;
  /** -1: not scheduled. */
  deadlineBucket: number;
  /** On the clock of the loop. */
  deadlineDue: number;
  deadlinePassed(now: number): void;
}

/** What a connection needs of the loop that owns it. */
export interface ConnectionOwner {
  readonly index: number;
  /** The loop, as the program sees it. */
  readonly face: LoopView;
  readonly driver: Driver;
  readonly calls: HandlerCalls;
  readonly counts: ConnectionCounts;
  readonly settings: ConnectionSettings;
  /** Expired frames are overwritten, so that a kept one shows. */
  readonly poisonFrames: boolean;
  /** Null unless the program has asked for it. */
  readonly leaks: Leaks | null;
  /** Milliseconds since the loop began, as of this turn; moves only while deadlines are in use. */
  readonly now: number;
  /** The same, read from the clock. */
  currentTime(): number;
  /** The pool of the slabs that the driver reads into. */
  readonly readPool: SlabPool;
  /** Of the read that is being handled. */
  readonly readWindow: ReadWindow;
  readonly encodeSink: EncodeSink;
  /** Queues of connections that need one. */
  readonly queues: SpareQueues;
  readonly sharedSends: SharedSends;
  /** The codec of a new connection. */
  codecFor(): ICodec<unknown>;
  /**
   * Promises of events that have not settled: while there are any, small frames are copied before
   * `react` runs, instead of keeping the memory of a whole read for one of them.
   */
  openPromises: number;

  /** Calls `connection.flushPending()` soon, from the loop. */
  scheduleFlush(connection: OwnedConnection): void;
  /** Calls `connection.runTasks()` soon, from the loop. */
  scheduleTasks(connection: OwnedConnection): void;
  /** Calls `deadline.deadlinePassed()` after `delayMs`; replaces an earlier schedule. */
  scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void;
  cancelDeadline(deadline: ScheduledDeadline): void;
  /** The count goes down before `onClosed`; the slot is free for others after `closeStream`. */
  connectionClosing(connection: OwnedConnection): void;
  connectionClosed(connection: OwnedConnection): void;
  /** `Action.Shutdown` was returned. */
  requestShutdown(): void;
  /** For the log: an error that does not end the connection. */
  report(message: string, error: unknown): void;
}
