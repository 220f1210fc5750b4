import type { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { RingBuffer } from '../buffer/ring-buffer.ts';
import { BuiltInFrameCodec } from '../codec/built-in-frame-codec.ts';
import type { ICodec } from '../codec/codec.ts';
import type { Transport } from '../driver/transport.ts';
import type { EventScope } from '../host/event-scope.ts';
import type { Conn } from './conn.ts';
import type { Deadline } from './timeout-deadline.ts';
import type { FlushWaiters } from './flush-waiters.ts';
import type { Follower } from './follower.ts';
import type { EncodeTarget } from './encode-sink.ts';
import type {
  ConnectionSettings,
  HandlerEvents,
  OwnedConnection,
  ScheduledDeadline,
} from './owner.ts';
import type { LayerOwner } from './layer-owner.ts';
import type { ReadWindow } from './read-window.ts';
import { mark, State } from './states.ts';

/**
 * Everything that is true of one stream connection. The modules beside it are functions over this:
 * `inbound`, `outbound`, `frames`, `replies`, `closing`, `timeout-clock`, ... `StreamConnection` is this
 * record with a face. Fields are plain, so that an object has one shape from the start; what few
 * connections need is in `Rare` and `Deadline`, which are made when first used.
 */
export class ConnectionRecord {
  /** The loop that owns it. */
  readonly owner: LayerOwner;
  readonly slot: number;
  readonly generation: number;
  /** The driver itself, or the layer in between. */
  transport: Transport;
  codec: ICodec<unknown>;
  /** The server's, or with a flow of its own. */
  settings: ConnectionSettings;
  /** The loop's handler, or its own. */
  events: HandlerEvents;
  /** The program's value. */
  context: unknown = undefined;
  /** The codec's value. */
  codecState: unknown = undefined;
  /** How many of the available bytes the codec has searched without finding a frame. */
  scanned = 0;
  /** The loop's window, while a read of this connection is handled in the slab. */
  window: ReadWindow | null = null;
  /** What was received and rests: an unfinished frame, or frames that wait. */
  ring: RingBuffer | null = null;
  /** What the kernel has not taken yet. */
  queue: OutboundQueue | null = null;
  state: State = State.Open;
  /** What else is true; bits of `mark`. */
  marks = 0;
  /** Why frames and reading wait; bits of `pauseReason`. Not 0: nothing is read. */
  paused = 0;
  /** What `runTasks` has to do; bits of `task`. Not 0: the owner has the connection on its list. */
  tasks = 0;
  /**
   * When the kernel last took bytes while others waited, or the close came a step further. This and
   * the next two are milliseconds of the owner's clock.
   */
  lastProgress = 0;
  /** When the program last wrote. */
  lastWritten = 0;
  /** When bytes last came. */
  lastReceived = 0;
  deadline: Deadline | null = null;
  rare: Rare | null = null;
  /** On the thread's `performance.now()`. */
  readonly openedAt: number = Math.trunc(performance.now());
  /** Above every layer: of the plain text under TLS. */
  bytesReceived = 0;
  bytesSent = 0;

  constructor(owner: LayerOwner, slot: number, generation: number) {
    this.owner = owner;
    this.slot = slot;
    this.generation = generation;
    this.transport = owner.driver;
    this.codec = owner.codecFor();
    this.settings = owner.settings;
    this.events = owner.calls.events;
    if (this.codec instanceof BuiltInFrameCodec) this.marks = mark.identity;
  }
}

/** What most connections never need. */
export class Rare {
  remoteAddr: string | null = null;
  localAddr: string | null = null;
  /** What `onClosed` will be told. */
  closeError: Error | undefined = undefined;
  flushWaiters: FlushWaiters | null = null;
  follower: Follower | null = null;
  /** The newest view of the ring that was given out; kept only where expired frames are overwritten. */
  ringView: Buffer | null = null;
  /** The context of its events, where that is not the server's. */
  scope: EventScope | null = null;
  /** Promises of events that later ones wait for, and that have not settled. */
  openPromises = 0;
  /** Calls of `react(null)` that were asked for. */
  wakes = 0;
  /** The value that other threads see. */
  safeContext: unknown = undefined;
  /** Timers of the program that have not run. */
  timers: Set<ScheduledDeadline> | null = null;
}

/** The record, and what the program, an encoder and the loop see of it. */
export type Connection = ConnectionRecord & Conn & EncodeTarget & OwnedConnection;

export function rareOf(c: ConnectionRecord): Rare {
  c.rare ??= new Rare();
  return c.rare;
}

/** Whether one of these bits of `mark` is set. */
export function is(c: ConnectionRecord, bits: number): boolean {
  return (c.marks & bits) !== 0;
}

/** Nothing is sent any more: the connection is over, or will be when a call returns. */
export function isClosed(c: ConnectionRecord): boolean {
  return c.state >= State.Broken;
}

/** Of the events that later ones wait for. */
export function openPromises(c: ConnectionRecord): number {
  return c.rare === null ? 0 : c.rare.openPromises;
}

export function closeError(c: ConnectionRecord): Error | undefined {
  return c.rare === null ? undefined : c.rare.closeError;
}

/** From now on, in both directions. */
export function useCodec(c: ConnectionRecord, codec: ICodec<unknown>): void {
  c.codec = codec;
  c.codecState = undefined;
  c.scanned = 0;
  if (codec instanceof BuiltInFrameCodec) c.marks |= mark.identity;
  else c.marks &= ~mark.identity;
}

/** The async context that events of a connection run in: its own, or the server's. */
export function scopeOf(c: ConnectionRecord): EventScope {
  const own = c.rare === null ? null : c.rare.scope;
  return own ?? c.owner.calls.scope;
}
