import { assert } from '../base/assert.ts';
import { ErrInvalidReply } from '../base/errors.ts';
import { directSendBytesMin, piecesMax } from '../base/limits.ts';
import { isMemoryLack } from '../base/memory-lack.ts';
import { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { Slab } from '../buffer/slab.ts';
import { remoteAddress } from './addresses.ts';
import { block, settleFlushed } from './blocking.ts';
import type { Bytes } from './conn.ts';
import { tellBackpressure } from './conn-channels.ts';
import type { EncodeSink } from './encode-sink.ts';
import { callPreWrite } from './handler-events.ts';
import { cutShort, outboundOverflow } from './connection-errors.ts';
import { pause } from './pausing.ts';
import { Prepared } from './prepared.ts';
import type { ReadWindow } from './read-window.ts';
import type { SharedBytes } from './shared-sends.ts';
import { type Connection, type ConnectionRecord, is, isClosed, scopeOf } from './record.ts';
import { mark, pauseReason } from './states.ts';
import { toBroken } from './transitions.ts';

/**
 * The way out of one connection. Bytes of one turn gather and leave in one send:
 *
 *  - a reply that is the frame itself, still standing in the read slab, is only remembered
 *    (`ReadWindow`) and sent from there: an echo copies nothing;
 *  - everything else is copied to the queue at once (the program may change its memory), except
 *    that many KiB with nothing pending go to the kernel straight from the program's memory;
 *  - what the kernel does not take stays in the queue until it is writable again, where much of a read
 *    slab is not copied either: the slab itself waits.
 *
 * An idle connection has no queue. What follows from a flush is in `flushing.ts`.
 */

/** Bytes taken from the program that the kernel has not taken yet. */
export function outboundBuffered(c: ConnectionRecord): number {
  const queued = c.queue === null ? 0 : c.queue.length;
  const { window } = c;
  if (is(c, mark.shares)) return c.owner.sharedSends.lengthOf(c.slot);
  return window === null ? queued : queued + window.directEnd - window.directStart;
}

// -- taking bytes -----------------------------------------------------------------------------------

/**
 * Encodes and takes. An answer (`isAnswer`) may stay where it stands until the turn ends; anything
 * else the program may change as soon as this returns.
 * @throws what the codec throws; then nothing was taken.
 */
export function put(c: Connection, data: Bytes, isAnswer: boolean): void {
  if (is(c, mark.identity)) {
    beforeWrite(c);
    putRaw(c, data);
    return;
  }
  const bytes = typeof data === 'string' ? Buffer.from(data) : checkBytes(data);
  if (!encodesInPlace(c)) {
    putRaw(c, encode(c, bytes));
    return;
  }
  if (!admits(c, bytes.length)) return;
  encodeInPlace(c, bytes, isAnswer);
  if (c.queue !== null && c.queue.length > c.settings.highWaterMark) crossHigh(c);
}

/** Where `preWrite` is called between encoding and taking, the bytes must stand elsewhere meanwhile. */
export function encodesInPlace(c: Connection): boolean {
  return c.codec.encodeInto !== undefined && (!c.events.preWrite || isStuck(c));
}

/** Encodes, then calls `preWrite`; by then the codec may use its memory again, for what that writes. */
export function encode(c: Connection, bytes: Uint8Array): Uint8Array {
  const encoded = c.codec.encode(c, bytes);
  if (!c.events.preWrite || isStuck(c)) return encoded;
  // What is no bytes is refused where it would be taken.
  const kept = encoded instanceof Uint8Array ? Buffer.from(encoded) : encoded;
  callPreWriteOf(c);
  return kept;
}

/** Encodes once for all connections, where the codec can. @throws as `put`. */
export function putPrepared(c: Connection, prepared: Prepared): void {
  if (!is(c, mark.identity) && c.codec.sharesEncoding !== true) {
    put(c, Prepared.payloadOf(prepared), false);
    return;
  }
  const bytes = is(c, mark.identity)
    ? Prepared.payloadOf(prepared)
    : Prepared.encodedBy(prepared, c.codec, c);
  beforeWrite(c);
  putShared(c, prepared, bytes);
}

/**
 * Takes bytes of something prepared. Where nothing else waits, they leave from the one copy that all
 * connections of the loop share.
 */
export function putShared(c: Connection, prepared: Prepared, bytes: Uint8Array): void {
  if (!mayShare(c, bytes.length)) putRaw(c, bytes);
  else {
    c.owner.sharedSends.add(c.slot, prepared, bytes);
    c.marks |= mark.shares;
  }
}

function mayShare(c: Connection, length: number): boolean {
  const isShort = length > 0 && length < directSendBytesMin && length <= c.settings.highWaterMark;
  if (!isShort || c.queue !== null || is(c, mark.writeBlocked | mark.shares)) return false;
  return (c.window === null || c.window.directEnd === 0) && !isClosed(c);
}

/** Where `encodesInPlace` says so. Nothing else of the program may run before what is lent is filled. */
export function encodeInPlace(c: Connection, bytes: Uint8Array, isAnswer: boolean): void {
  const { encodeSink } = c.owner;
  if (isAnswer) c.marks |= mark.payloadIsAnswer;
  else c.marks &= ~mark.payloadIsAnswer;
  encodeSink.begin(c);
  c.codec.encodeInto?.(c, bytes, encodeSink);
}

/**
 * What an encoder wraps. An answer that is the frame just received is not copied: its prefix and
 * suffix go into the consumed bytes around it, where the frame's own once stood. Everything else goes
 * to the queue.
 */
export function takeWrapped(
  c: Connection,
  sink: EncodeSink,
  prefixLength: number,
  payload: Uint8Array,
  suffix: Uint8Array | null,
): void {
  const suffixLength = suffix === null ? 0 : suffix.length;
  const { window } = c;
  if (window !== null && is(c, mark.payloadIsAnswer) && payload === window.view) {
    const start = window.viewStart - prefixLength;
    const end = start + prefixLength + payload.length + suffixLength;
    if (start >= 0 && sendsFrom(c, window, start, end)) {
      const { bytes } = window.slab as Slab;
      if (suffix !== null) bytes.set(suffix, end - suffixLength);
      sink.lend(bytes, start);
      return;
    }
  }
  const queue = openQueue(c);
  const slab = queue.reserve(prefixLength);
  sink.lend(slab.bytes, queue.reserved);
  queue.push(payload, 0, payload.length);
  if (suffix !== null) queue.push(suffix, 0, suffixLength);
}

/** Remembers bytes `start..end` of the read slab, if they are free to be sent from there. */
function sendsFrom(c: Connection, window: ReadWindow, start: number, end: number): boolean {
  if (c.queue !== null || is(c, mark.writeBlocked | mark.shares) || start === end) return false;
  if (start < (window.slab as Slab).floor || end > window.start) return false;
  if (window.directEnd === 0) window.directStart = start;
  else if (window.directEnd !== start) return false; // not behind what already is
  window.directEnd = end;
  return true;
}

/** The handler answered with the frame itself. */
export function putFrame(c: Connection, frame: Buffer): void {
  if (!is(c, mark.identity)) {
    put(c, frame, true);
    return;
  }
  beforeWrite(c);
  const { window } = c;
  if (window !== null && frame === window.view) {
    const start = window.viewStart;
    const end = start + frame.length;
    if (sendsFrom(c, window, start, end) || waitsIn(c, window, start, end)) return;
  }
  putRaw(c, frame);
}

/** Has a large answer that must wait stay in the read slab, which is held for it. */
function waitsIn(c: Connection, window: ReadWindow, start: number, end: number): boolean {
  const slab = window.slab as Slab;
  if (start < slab.floor || !OutboundQueue.mayLend(slab, end - start) || isClosed(c)) return false;
  if (outboundBuffered(c) === 0 && !is(c, mark.writeBlocked)) return false;
  if (!admits(c, end - start)) return true;
  const queue = openQueue(c);
  pushReceived(queue, slab, start, end);
  if (queue.length > c.settings.highWaterMark) crossHigh(c);
  return true;
}

/** Without a copy where the bytes are much of the slab. */
function pushReceived(queue: OutboundQueue, slab: Slab, start: number, end: number): void {
  if (!OutboundQueue.mayLend(slab, end - start) || !queue.pushLent(slab, start, end)) {
    queue.push(slab.bytes, start, end);
    return;
  }
  // Later answers must not be framed in place of these.
  if (slab.floor < end) slab.floor = end;
}

/** Calls `preWrite` once per reply that nothing is waiting in front of. */
export function beforeWrite(c: Connection): void {
  if (c.events.preWrite && !isStuck(c)) callPreWriteOf(c);
}

export function callPreWriteOf(c: Connection): void {
  callPreWrite(c.owner, c.events.handler, scopeOf(c), c);
}

/** The kernel refuses bytes: not only behind a send that is under way. */
export function isStuck(c: Connection): boolean {
  return c.transport.refuses?.(c.slot) ?? is(c, mark.writeBlocked);
}

/** Takes without the codec. */
export function putRaw(c: Connection, data: Bytes): void {
  if (isClosed(c)) return; // by the program's own codec or preWrite
  if (typeof data === 'string') {
    if (data.length === 0 || !admitsText(c, data)) return;
    const queue = openQueue(c);
    queue.pushString(data);
    if (queue.length > c.settings.highWaterMark) crossHigh(c);
    return;
  }
  const length = checkBytes(data).length;
  if (length === 0) return;
  let start = 0;
  if (goesAtOnce(c, length)) {
    start = sendAtOnce(c, data);
    if (start === length) return;
  } else if (!admits(c, length)) {
    return;
  }
  const queue = openQueue(c);
  queue.push(data, start, length);
  if (queue.length > c.settings.highWaterMark) crossHigh(c);
}

/** What the kernel takes of it at once; the rest stays the program's. */
export function offer(c: Connection, data: Uint8Array): number {
  if (data.length === 0 || is(c, mark.writeBlocked) || outboundBuffered(c) > 0) return 0;
  const taken = sendPartsAtOnce(c, [data], data.length);
  // Nothing waits, but the transport is to hear of that when there is room, and stops looking for it.
  if (is(c, mark.writeBlocked)) openQueue(c);
  return taken;
}

/** Takes several pieces without the codec, so that they leave together. */
export function putParts(c: Connection, parts: readonly Uint8Array[], length: number): void {
  if (isClosed(c) || length === 0) return;
  let taken = 0;
  if (goesAtOnce(c, length)) {
    taken = sendPartsAtOnce(c, parts, length);
    if (taken === length) return;
  } else if (!admits(c, length)) return;
  const queue = openQueue(c);
  for (const part of parts) {
    if (taken < part.length) queue.push(part, taken, part.length);
    taken = Math.max(0, taken - part.length);
  }
  if (queue.length > c.settings.highWaterMark) crossHigh(c);
}

/** Encodes and takes several pieces as one. @throws what the codec throws; then nothing was taken. */
export function putPartsEncoded(c: Connection, parts: readonly Uint8Array[], length: number): void {
  if (is(c, mark.identity)) {
    beforeWrite(c);
    putParts(c, parts, length);
  } else {
    put(c, Buffer.concat(parts, length), false);
  }
}

export function closeDescriptors(c: Connection, descriptors: readonly number[]): void {
  for (const descriptor of descriptors) c.owner.driver.closeDescriptor(descriptor);
}

/** Worth a call of its own, which saves the copy. */
function goesAtOnce(c: Connection, length: number): boolean {
  return length >= directSendBytesMin && outboundBuffered(c) === 0 && !is(c, mark.writeBlocked);
}

/** Memory that others may change or shrink during a call is copied like everything else. */
function isSteady({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && !buffer.resizable;
}

/** The bytes that went to the kernel directly from the program's memory. */
function sendAtOnce(c: Connection, data: Uint8Array): number {
  if (!isSteady(data)) return 0;
  return sentAtOnce(c, c.transport.sendBytes(c.slot, data), data.length);
}

function sendPartsAtOnce(c: Connection, parts: readonly Uint8Array[], length: number): number {
  const { transport } = c;
  if (transport.sendPieces === undefined || parts.length > piecesMax) return 0;
  for (const part of parts) if (part.length === 0 || !isSteady(part)) return 0;
  return sentAtOnce(c, transport.sendPieces(c.slot, parts, length), length);
}

function sentAtOnce(c: Connection, taken: number, length: number): number {
  if (taken < length) block(c);
  if (taken <= 0) return 0;
  c.bytesSent += taken;
  return taken;
}

function admitsText(c: Connection, text: string): boolean {
  // At most three bytes for each unit: measured only where it could matter.
  const most = outboundBuffered(c) + text.length * 3;
  return most <= c.settings.maxOutboundBytes || admits(c, Buffer.byteLength(text));
}

/** Whether `length` more bytes may wait; if not, the connection fails. */
export function admits(c: Connection, length: number): boolean {
  const { maxOutboundBytes } = c.settings;
  let pending = outboundBuffered(c);
  if (pending === 0 || pending + length <= maxOutboundBytes) return true;
  flush(c);
  pending = outboundBuffered(c);
  if (pending === 0 || pending + length <= maxOutboundBytes) return true;
  toBroken(c, outboundOverflow(length, pending, maxOutboundBytes, remoteAddress(c)));
  return false;
}

/** The queue of what is pending, made if there is none. */
export function openQueue(c: Connection): OutboundQueue {
  let { queue } = c;
  if (queue === null) {
    queue = c.owner.queues.take();
    c.queue = queue;
    if (is(c, mark.shares)) queueShared(c, queue);
    const { window } = c;
    if (window !== null && window.directEnd > 0) {
      pushReceived(queue, window.slab as Slab, window.directStart, window.directEnd);
      window.directStart = window.directEnd = 0;
    }
  }
  return queue;
}

/** More follows what was to leave from shared memory. */
function queueShared(c: Connection, queue: OutboundQueue): void {
  const { slab, start, end } = takeShared(c);
  try {
    queue.push(slab.bytes, start, end);
  } finally {
    slab.home.release(slab);
  }
}

/** The caller releases the slab. */
function takeShared(c: Connection): SharedBytes {
  c.marks &= ~mark.shares;
  return c.owner.sharedSends.take(c.slot);
}

export function crossHigh(c: Connection): void {
  if (is(c, mark.aboveHigh)) return;
  c.marks |= mark.aboveHigh;
  c.owner.counts.aboveHighWater++;
  if (c.settings.pauseOnOverflow) pause(c, pauseReason.overflow);
  // Last: a subscriber may send what is pending, or end the connection.
  tellBackpressure(c, 'above');
}

/** As the very first bytes, below every layer: what a stream begins with before it is the program's. */
export function sendAhead(c: Connection, bytes: Uint8Array): void {
  assert(outboundBuffered(c) === 0, 'nothing was sent before');
  const { readPool, driver } = c.owner;
  let slab: Slab;
  try {
    slab = readPool.take();
  } catch (error) {
    breakOffFor(c, error);
    return;
  }
  slab.bytes.set(bytes);
  const taken = driver.send(c.slot, slab, 0, bytes.length);
  readPool.release(slab);
  if (taken !== bytes.length) toBroken(c, cutShort(bytes.length, remoteAddress(c)));
}

// -- giving them to the kernel ----------------------------------------------------------------------

/** Gives the kernel what it takes of what is pending. */
export function flush(c: Connection): void {
  const { window } = c;
  if (window !== null && window.directEnd > 0) sendDirect(c, window);
  else if (is(c, mark.shares)) sendShared(c);
  const { queue } = c;
  if (queue === null || is(c, mark.writeBlocked) || isClosed(c)) return;
  const before = queue.length;
  const empty = c.transport.flush(c.slot, queue);
  if (empty) {
    c.queue = null;
    c.owner.queues.give(queue);
  } else {
    block(c);
  }
  const taken = before - (empty ? 0 : queue.length);
  c.bytesSent += taken;
  const { rare } = c;
  if (rare === null || rare.flushWaiters === null) return;
  rare.flushWaiters.taken(taken);
  settleFlushed(c);
}

function sendDirect(c: Connection, window: ReadWindow): void {
  const slab = window.slab as Slab;
  const start = window.directStart;
  const end = window.directEnd;
  window.directStart = window.directEnd = 0;
  // The driver may only have queued them: later answers must not be framed in place of these.
  if (slab.floor < end) slab.floor = end;
  sendFromSlab(c, slab, start, end);
}

function sendShared(c: Connection): void {
  const { slab, start, end } = takeShared(c);
  sendFromSlab(c, slab, start, end);
  slab.home.release(slab);
}

/** With nothing pending. What the kernel does not take goes to the queue. */
function sendFromSlab(c: Connection, slab: Slab, start: number, end: number): void {
  const taken = c.transport.send(c.slot, slab, start, end - start);
  if (taken > 0) c.bytesSent += taken;
  if (taken === end - start) return;
  block(c);
  if (taken < 0) return; // broken: `failed` follows
  try {
    const queue = openQueue(c);
    pushReceived(queue, slab, start + taken, end);
    if (queue.length > c.settings.highWaterMark) crossHigh(c);
  } catch (error) {
    breakOffFor(c, error);
  }
}

/**
 * There was no memory for what this connection has to send, of which a part may be queued already:
 * it goes, and nothing else does.
 * @throws any other error.
 */
export function breakOffFor(c: Connection, error: unknown): void {
  if (!isMemoryLack(error)) throw error;
  toBroken(c, error);
}

// -- the end ----------------------------------------------------------------------------------------

/** The loop has ended without closing connections: nothing more is taken. */
export function giveUpWaiting(c: Connection): void {
  const { rare } = c;
  if (rare === null || rare.flushWaiters === null) return;
  const waiters = rare.flushWaiters;
  rare.flushWaiters = null;
  waiters.giveUp(remoteAddress(c));
}

/** The program gave up what only waits behind a send: the transport offers it to the kernel once. */
export function leaveLast(c: Connection): void {
  const { queue, transport } = c;
  if (queue === null || transport.sendLast === undefined || isStuck(c)) return;
  // Descriptors are closed by whoever holds them, and that is here.
  if (queue.attachments.length > 0) return;
  c.queue = null;
  transport.sendLast(c.slot, queue);
}

/** The connection is gone: forgets what was pending and tells those who wait. */
export function dropOutbound(c: Connection): void {
  const { window, queue } = c;
  if (window !== null) window.directStart = window.directEnd = 0;
  if (is(c, mark.shares)) {
    const { slab } = takeShared(c);
    slab.home.release(slab);
  }
  if (queue !== null) {
    c.queue = null;
    while (queue.attachments.length > 0) closeDescriptors(c, queue.detach());
    queue.clear();
    c.owner.queues.give(queue);
  }
  giveUpWaiting(c);
}

export function checkBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new ErrInvalidReply(
    `cannot send a ${data === null ? 'null' : typeof data}: give a Uint8Array, a Buffer or a string`,
  );
}
