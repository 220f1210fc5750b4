import { release } from 'node:os';
import { type Address, addressAt, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import { requireBsd } from '../../platform/index.ts';
import { madeOwn } from '../descriptor.ts';
import { resultOf, syscallError } from '../last-errno.ts';
import { mapMemory } from '../memory.ts';

const { constants, layouts, symbols } = requireBsd();

/** `10` and `1` of `10.1_STABLE`: of NetBSD and OpenBSD, where it matters. */
const [major = 0, minor = 0] = release()
  .split('.')
  .map((part) => Number.parseInt(part, 10));

/** NetBSD 11 has a larger struct kevent, with a name of its own in the C library; 10 has the old one. */
const isLarger = 'kevent100' in layouts && major >= 11;

/** EVFILT_USER came late to two of them. */
const userSince: Readonly<Record<string, number>> = { netbsd: 10, openbsd: 7.08 };
const version = major + minor / 100;
export const hasUserEvents: boolean = version >= (userSince[process.platform] ?? 0);
/** EV_RECEIPT is as young on NetBSD. */
const hasReceipts = process.platform !== 'netbsd' || major >= 10;

function keventName(): string {
  if (!('kevent' in symbols)) return 'kevent';
  return isLarger ? symbols.kevent100 : symbols.kevent;
}

const kqueueRaw = foreignInterface.lookup('kqueue', 0);
const keventRaw = foreignInterface.lookup(keventName(), 6);

const layout = isLarger && 'kevent100' in layouts ? layouts.kevent100 : layouts.kevent;
const { fields, size: eventBytes } = layout;

export const filters = {
  read: constants.EVFILT_READ,
  write: constants.EVFILT_WRITE,
  user: constants.EVFILT_USER,
} as const;

/** @throws SyscallError EMFILE, ENFILE, ENOMEM. kqueue(2) */
export function kqueueCreate(): number {
  const result = resultOf(kqueueRaw());
  const queue = result < 0 ? result : madeOwn(result);
  if (queue < 0) throw syscallError('kqueue', -queue, 'make a kqueue');
  return queue;
}

/** An event in words of 16 and of 32 bits, as `KqueueEvents` has them. */
export const eventShorts: number = eventBytes / 2;
export const filterShort: number = fields.filter.offset / 2;
export const flagsShort: number = fields.flags.offset / 2;
export const eventWords: number = eventBytes / 4;
export const identWord: number = fields.ident.offset / 4;
export const fflagsWord: number = fields.fflags.offset / 4;
export const udataWord: number = fields.udata.offset / 4;

/** Changes of one call: a descriptor's reading taken back and asked for in another way, and its writing. */
const changesMax = 4;
/*
 *   memory: [ changes | receipts | timespec | timespec of 0 ]
 */
const receiptsOffset = changesMax * eventBytes;
const timeOffset = receiptsOffset + changesMax * eventBytes;
const noTimeOffset = timeOffset + layouts.timespec.size;
const memory = mapMemory(noTimeOffset + layouts.timespec.size);
const view = new DataView(memory.buffer);
const receiptsAddress = addressAt(memory.address, receiptsOffset);
const timeAddress = addressAt(memory.address, timeOffset);
const noTimeAddress = addressAt(memory.address, noTimeOffset);
const zero = word(0);

let count = 0;

/** One more change for `applyChanges`. `low` and `high` are the two halves of the user data. */
export function addChange(
  ident: number,
  filter: number,
  flags: number,
  low = 0,
  high = 0,
  fflags = 0,
  data = 0,
): void {
  const at = count++ * eventBytes;
  view.setInt32(at + fields.ident.offset, ident, true);
  // Of 16 bits, or of 32 on NetBSD, whose numbers are not negative.
  view.setInt16(at + fields.filter.offset, filter, true);
  view.setUint16(at + fields.flags.offset, flags, true);
  view.setInt32(at + fields.fflags.offset, fflags, true);
  view.setInt32(at + fields.data.offset, data, true);
  view.setInt32(at + fields.udata.offset, low, true);
  view.setInt32(at + fields.udata.offset + 4, high, true);
}

/**
 * Makes the changes, in a call of their own that reports no events: 0 or minus the errno of the first
 * that failed; the others are made all the same. kevent(2), EV_RECEIPT
 */
export function applyChanges(queue: number): number {
  const wanted = count;
  count = 0;
  // One alone needs no receipt: without room for an event its error is that of the call.
  if (wanted === 1) return applyOne(queue, memory.address);
  if (!hasReceipts) {
    let error = 0;
    for (let index = 0; index < wanted; index++) {
      error ||= applyOne(queue, addressAt(memory.address, index * eventBytes));
    }
    return error;
  }
  for (let index = 0; index < wanted; index++) {
    const at = index * eventBytes + fields.flags.offset;
    view.setUint16(at, view.getUint16(at, true) | constants.EV_RECEIPT, true);
  }
  const all = word(wanted);
  const given = resultOf(
    keventRaw(word(queue), memory.address, all, receiptsAddress, all, noTimeAddress),
  );
  if (given < 0) return given;
  for (let index = 0; index < given; index++) {
    const errno = view.getInt32(receiptsOffset + index * eventBytes + fields.data.offset, true);
    if (errno !== 0) return -errno;
  }
  return 0;
}

function applyOne(queue: number, change: Address): number {
  const result = keventRaw(word(queue), change, word(1), nullAddress, zero, noTimeAddress);
  return Math.min(0, resultOf(result));
}

/** Events per wait: enough to spread its cost, few enough to come back to the runtime soon. */
const eventsMax = 512;

/** Room for the events of one wait, in memory that somebody else owns. */
export class KqueueEvents {
  readonly capacity: number;
  readonly shorts: Int16Array;
  readonly words: Int32Array;
  readonly address: Address;

  constructor(given: { readonly address: unknown; readonly buffer: ArrayBuffer }) {
    this.capacity = Math.min(eventsMax, Math.floor(given.buffer.byteLength / eventBytes));
    const bytes = this.capacity * eventBytes;
    this.shorts = new Int16Array(given.buffer, 0, bytes / 2);
    this.words = new Int32Array(given.buffer, 0, bytes / 4);
    this.address = given.address as Address;
  }
}

/** The address of a timespec; `timeoutMs` -1 waits without a limit. */
function timeout(timeoutMs: number): Address {
  if (timeoutMs === 0) return noTimeAddress;
  if (timeoutMs < 0) return nullAddress;
  const seconds = Math.floor(timeoutMs / 1_000);
  const { sec, nsec } = layouts.timespec.fields;
  view.setInt32(timeOffset + sec.offset, seconds, true);
  view.setInt32(timeOffset + nsec.offset, (timeoutMs - seconds * 1_000) * 1_000_000, true);
  return timeAddress;
}

/** How many events, or minus an errno. kevent(2) */
export function kqueueWait(queue: number, events: KqueueEvents, timeoutMs: number): number {
  const room = word(events.capacity);
  const time = timeout(timeoutMs);
  return resultOf(keventRaw(word(queue), nullAddress, zero, events.address, room, time));
}
