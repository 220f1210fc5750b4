import { threadId } from 'node:worker_threads';
import { ErrConnClosed, ErrInvalidReply } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import type { ConnId } from '../connection/conn.ts';
import { fromConnId } from '../connection/conn-id.ts';
import { plainBytes, Prepared, type Sendable } from '../connection/prepared.ts';
import type { ConnHandle } from '../connection/server-view.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import { abandonLanesOf } from './abandoned-lanes.ts';
import { abandonLanesHere, finderIn } from './loops-here.ts';
import { LoopMemory, loopState } from './loop-memory.ts';
import { recordKind } from './record.ts';
import { SlowReaderWaits } from './slow-reader-waits.ts';
import { askOver, packContext } from './safe-context.ts';
import { MailboxSender, type Settle } from './sender.ts';
import { hasEnded, whenThreadEnds } from './thread-ends.ts';

let keptResolve: () => void;
let keptReject: (reason: unknown) => void;

/** One function for all promises of writes, which takes out what settles the newest one. */
function keepSettle(resolve: () => void, reject: (reason: unknown) => void): void {
  keptResolve = resolve;
  keptReject = reject;
}

/** A write that is under way to another thread. */
class WriteOver implements Settle {
  readonly #rooms: SlowReaderWaits;
  readonly #slot: number;
  readonly #generation: number;
  readonly resolve = keptResolve;
  readonly reject = keptReject;

  constructor(rooms: SlowReaderWaits, slot: number, generation: number) {
    this.#rooms = rooms;
    this.#slot = slot;
    this.#generation = generation;
  }

  /** Taken; but the connection has more pending than it should. */
  full(): void {
    this.#rooms.wait(this.#slot, this.#generation, this.resolve);
  }
}

/** This thread's ways to the loops of others. */
const senders = new Map<string, Sending>();

interface Sending {
  readonly sender: MailboxSender;
  readonly rooms: SlowReaderWaits;
}

/** A dead thread: its unfinished writes are abandoned, and its own loops accept no more. */
whenThreadEnds((gone) => {
  abandonLanesHere(gone);
  for (const { memory } of allSenders()) {
    if (memory.creator === gone) memory.markDead();
    else abandonLanesOf(memory, gone);
  }
});

// Releases this thread's own lanes, if the thread that started it is not notified of its end.
process.once('exit', () => {
  for (const { memory } of allSenders()) abandonLanesOf(memory, threadId);
});

function allSenders(): MailboxSender[] {
  return Array.from(senders.values(), ({ sender }) => sender);
}

function sendingTo(memory: LoopMemory): Sending {
  const { key } = memory;
  if (hasEnded(memory.creator)) memory.markDead();
  let sending = senders.get(key);
  if (sending === undefined) {
    // A good moment to forget those of loops that have ended.
    for (const [old, { sender, rooms }] of senders) {
      if (sender.isOver && rooms.isEmpty) senders.delete(old);
    }
    const sender = new MailboxSender(memory);
    sending = { sender, rooms: new SlowReaderWaits(sender) };
    senders.set(key, sending);
  }
  return sending;
}

export function staleId(id: ConnId): ErrConnClosed {
  return new ErrConnClosed(
    `cannot reach connection ${textOf(id)}: it is closed, or this server never had it; ` +
      'forget ids in onClosed',
  );
}

/**
 * The handle that `server.conn(id)` returns. Its own properties are plain values that `postMessage`
 * can send; on the receiving thread, `connHandle` restores its methods.
 */
export class LoopConnHandle implements ConnHandle {
  readonly id: ConnId;
  /** The memory of the loop that owns the connection. */
  readonly memory: SharedArrayBuffer;
  readonly #loop: LoopMemory;

  constructor(id: ConnId, memory: LoopMemory) {
    this.id = id;
    this.memory = memory.buffer;
    this.#loop = memory;
  }

  write(data: Sendable): Promise<void> {
    const identity = fromConnId(this.id);
    if (typeof data !== 'string' && !(data instanceof Uint8Array) && !Prepared.is(data)) {
      return Promise.reject(
        new ErrInvalidReply(`cannot write a ${typeof data}: give a Uint8Array or a string`),
      );
    }
    const memory = this.#loop;
    if (identity === null || memory.state !== loopState.running) {
      return Promise.reject(staleId(this.id));
    }
    const { slot, generation } = identity;
    const find = finderIn(memory);
    if (find !== undefined) return this.#writeDirectly(find(slot, generation), data);
    const plain = plainBytes(data);
    const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain;
    const { sender, rooms } = sendingTo(memory);
    const settled = new Promise<void>(keepSettle);
    const write = new WriteOver(rooms, slot, generation);
    try {
      sender.post(recordKind.write, slot, generation, bytes, write);
    } catch (thrown) {
      write.reject(thrown);
    }
    return settled;
  }

  async #writeDirectly(connection: StreamConnection | null, data: Sendable): Promise<void> {
    if (connection === null || !giveBytes(connection, data)) throw staleId(this.id);
    if (!connection.hasRoom) await connection.whenRoom();
  }

  async context(): Promise<unknown> {
    const there = this.#there();
    if (there === null) throw staleId(this.id);
    const { slot, generation, find } = there;
    if (find !== undefined) return openOr(find(slot, generation), this.id).safeContext;
    return askOver((channel, settle) => {
      const name = Buffer.from(channel);
      sendingTo(this.#loop).sender.post(recordKind.tellContext, slot, generation, name, settle);
    });
  }

  async setContext(value: unknown): Promise<void> {
    const bytes = packContext(value);
    const there = this.#there();
    if (there === null) throw staleId(this.id);
    const { slot, generation, find } = there;
    if (find !== undefined) {
      openOr(find(slot, generation), this.id).safeContext = value;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const { sender } = sendingTo(this.#loop);
      sender.post(recordKind.setContext, slot, generation, bytes, { resolve, reject });
    });
  }

  /** Null if it can no longer be reached; `find` on the thread of its loop. */
  #there() {
    const identity = fromConnId(this.id);
    if (identity === null || this.#loop.state !== loopState.running) return null;
    return { ...identity, find: finderIn(this.#loop) };
  }

  wake(): void {
    this.#tell(recordKind.wake);
  }

  close(): void {
    this.#tell(recordKind.close);
  }

  #tell(kind: number): void {
    const identity = fromConnId(this.id);
    const memory = this.#loop;
    if (identity === null || memory.state !== loopState.running) return;
    const { slot, generation } = identity;
    const find = finderIn(memory);
    if (find === undefined) {
      sendingTo(memory).sender.post(kind, slot, generation, null, null);
    } else {
      const connection = find(slot, generation);
      if (kind === recordKind.wake) connection?.wake();
      else connection?.close();
    }
  }
}

function openOr(connection: StreamConnection | null, id: ConnId): StreamConnection {
  if (connection === null || connection.isClosed) throw staleId(id);
  return connection;
}

/** False if the connection accepts no more bytes. @throws what its codec throws. */
export function giveBytes(connection: StreamConnection, data: Sendable): boolean {
  if (connection.isClosed || connection.isClosing) return false;
  connection.asyncWrite(data);
  return !connection.isClosed;
}

/**
 * Restores the methods of a handle that was sent to another thread. @param received the handle as
 * it arrived through `postMessage`, `workerData` or a worker pool. @throws ErrConnClosed if it is
 * not a handle.
 */
export function connHandle(received: Pick<ConnHandle, 'id'>): ConnHandle {
  if (received instanceof LoopConnHandle) return received;
  const { id, memory } = (received ?? {}) as { readonly id: ConnId; readonly memory?: unknown };
  if (fromConnId(id) === null || !LoopMemory.isBuffer(memory)) {
    throw new ErrConnClosed(
      'cannot make a connection handle of this: give what server.conn(id) returned, as another thread received it',
    );
  }
  return new LoopConnHandle(id, new LoopMemory(memory));
}
