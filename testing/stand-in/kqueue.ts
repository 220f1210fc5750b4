/**
 * kqueue(2) over epoll(7), as the manual pages of macOS, FreeBSD, NetBSD and OpenBSD describe it, as far
 * as the driver goes: filters for reading, writing and user events, level-triggered or cleared; changes
 * with errors and receipts; events of one filter each.
 *
 * One epoll set a queue, with one entry a descriptor for both of its filters. A user event that was
 * triggered is an entry, too: of a descriptor that is always readable, the same for all queues.
 */
import type { Word } from '../../src/ffi/index.ts';
import { errnoFromLinux, errnoOf, fail, failWith } from './errno.ts';
import { int, isNull, linuxConstants, linuxErrno, Memory, real, word } from './kernel.ts';
import type { StandInSystem, StandInTables } from './systems.ts';

const { EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP, EPOLLET } = linuxConstants;
const { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL } = linuxConstants;
const epollEventBytes = 12;
const epollEventsMax = 256;

interface Knote {
  readonly filter: number;
  /** Of how it was made: a later EV_ADD does not change it. */
  readonly clears: boolean;
  readonly once: boolean;
  low: number;
  high: number;
  lowWater: number;
  enabled: boolean;
}

interface Watched {
  read: Knote | null;
  write: Knote | null;
  /** What epoll was asked for; null: it is not in the set. */
  mask: number | null;
  readonly isStream: boolean;
}

interface UserEvent {
  readonly knote: Knote;
  triggered: boolean;
}

interface Queue {
  readonly epoll: number;
  readonly watched: Map<number, Watched>;
  readonly users: Map<number, UserEvent>;
  /** The entry of the descriptor that is always readable. */
  isTriggered: boolean;
}

interface Change {
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly fflags: number;
  readonly data: number;
  readonly low: number;
  readonly high: number;
}

const memory = new Memory(65_536);
const callerOffset = 8_192;

/** Errors of sockets that were looked at: Linux forgets them then, the BSDs do not. */
export const keptErrors: Map<number, number> = new Map();

const readyVariable = 'GNET_STAND_IN_READY';

/** A descriptor that is always readable, one for all threads of the process. */
function readyDescriptor(): number {
  const [pid, descriptor] = (process.env[readyVariable] ?? '').split(':').map(Number);
  if (pid === process.pid && descriptor !== undefined) return descriptor;
  const flags = linuxConstants.EFD_CLOEXEC | linuxConstants.EFD_NONBLOCK;
  const made = real('eventfd', 2)(word(1), word(flags));
  process.env[readyVariable] = `${process.pid}:${made}`;
  return made;
}

function socketOption(descriptor: number, option: number): number {
  memory.view.setInt32(4, 4, true);
  const level = word(linuxConstants.SOL_SOCKET);
  const result = real('getsockopt', 5)(
    word(descriptor),
    level,
    word(option),
    memory.at(0),
    memory.at(4),
  );
  return result < 0 ? -1 : memory.view.getInt32(0, true);
}

export class Kqueues {
  readonly #system: StandInSystem;
  readonly #tables: StandInTables;
  readonly #queues = new Map<number, Queue>();
  readonly #ready = readyDescriptor();

  constructor(system: StandInSystem, tables: StandInTables) {
    this.#system = system;
    this.#tables = tables;
  }

  create(): number {
    // Without close-on-exec: no system has it by itself.
    const epoll = real('epoll_create1', 1)(word(0));
    if (epoll < 0) return failWith(errnoFromLinux(linuxErrno()));
    this.#queues.set(epoll, { epoll, watched: new Map(), users: new Map(), isTriggered: false });
    return epoll;
  }

  /** close(2) of a descriptor: whatever was registered of it goes. */
  closed(descriptor: number): void {
    this.#queues.delete(descriptor);
    keptErrors.delete(descriptor);
    for (const queue of this.#queues.values()) {
      const watched = queue.watched.get(descriptor);
      if (watched === undefined) continue;
      queue.watched.delete(descriptor);
      if (watched.mask !== null) this.#control(queue, EPOLL_CTL_DEL, descriptor, 0);
    }
  }

  /** The function of the C library of that name; each has its own form of the struct. */
  kevent(form: 'kevent' | 'kevent100') {
    const layout = this.#tables.structs[form];
    if (layout === undefined) throw new RangeError(`there is no ${form}`);
    const { size } = layout;
    const at = (field: string): number => layout.fields[field]?.offset ?? 0;
    const isWide = layout.fields['filter']?.size === 4;
    const { view } = memory;
    const readChange = (offset: number): Change => ({
      ident: view.getInt32(offset + at('ident'), true),
      filter: isWide
        ? view.getInt32(offset + at('filter'), true)
        : view.getInt16(offset + at('filter'), true),
      flags: isWide
        ? view.getInt32(offset + at('flags'), true)
        : view.getUint16(offset + at('flags'), true),
      fflags: view.getUint32(offset + at('fflags'), true),
      data: Number(view.getBigInt64(offset + at('data'), true)),
      low: view.getInt32(offset + at('udata'), true),
      high: view.getInt32(offset + at('udata') + 4, true),
    });
    const writeEvent = (offset: number, event: Change): void => {
      memory.bytes.fill(0, offset, offset + size);
      view.setBigInt64(offset + at('ident'), BigInt(event.ident), true);
      if (isWide) {
        view.setInt32(offset + at('filter'), event.filter, true);
        view.setInt32(offset + at('flags'), event.flags, true);
      } else {
        view.setInt16(offset + at('filter'), event.filter, true);
        view.setUint16(offset + at('flags'), event.flags, true);
      }
      view.setUint32(offset + at('fflags'), event.fflags, true);
      view.setBigInt64(offset + at('data'), BigInt(event.data), true);
      view.setInt32(offset + at('udata'), event.low, true);
      view.setInt32(offset + at('udata') + 4, event.high, true);
    };
    return (...args: Word[]): number => {
      const queue = this.#queues.get(int(args[0]));
      if (queue === undefined) return fail('EBADF');
      const [, changesAddress = 0, changes, eventsAddress = 0, room] = args;
      let timeoutMs = -1;
      if (!isNull(args[5])) {
        memory.take(0, args[5] as Word, 16);
        const seconds = Number(view.getBigInt64(0, true));
        const nanoseconds = Number(view.getBigInt64(8, true));
        if (nanoseconds < 0 || nanoseconds >= 1e9) return fail('EINVAL');
        timeoutMs = seconds * 1_000 + Math.ceil(nanoseconds / 1e6);
      }
      const give = (events: readonly Change[]): number => {
        for (const [index, event] of events.entries()) {
          writeEvent(callerOffset + index * size, event);
        }
        memory.give(callerOffset, eventsAddress, events.length * size);
        return events.length;
      };
      memory.take(callerOffset, changesAddress, int(changes) * size);
      const wanted = Array.from({ length: int(changes) }, (_, index) =>
        readChange(callerOffset + index * size),
      );
      const errors: Change[] = [];
      for (const change of wanted) {
        const errno = this.#change(queue, change);
        const { EV_RECEIPT, EV_ERROR } = this.#tables.constants;
        const isReceipt = this.#system.hasReceipts && (change.flags & EV_RECEIPT) !== 0;
        if (errno === 0 && !isReceipt) continue;
        // Without room it ends here: an error is that of the call, and a receipt its success.
        if (errors.length >= int(room)) return errno === 0 ? 0 : failWith(errno);
        errors.push({ ...change, flags: EV_ERROR, data: errno });
      }
      if (errors.length > 0) return give(errors);
      if (int(room) === 0) return 0;
      const events = this.#wait(queue, int(room), timeoutMs);
      return typeof events === 'number' ? events : give(events);
    };
  }

  // -- changes ------------------------------------------------------------------------------------

  /** 0 or an errno. */
  #change(queue: Queue, change: Change): number {
    const { EVFILT_READ, EVFILT_WRITE, EVFILT_USER } = this.#tables.constants;
    if (change.filter === EVFILT_USER && this.#system.hasUserEvents) {
      return this.#changeUser(queue, change);
    }
    if (change.filter !== EVFILT_READ && change.filter !== EVFILT_WRITE) return errnoOf('EINVAL');
    const key = change.filter === EVFILT_READ ? 'read' : 'write';
    const { EV_ADD, EV_DELETE, EV_ENABLE, EV_DISABLE } = this.#tables.constants;
    let watched = queue.watched.get(change.ident);
    let knote = watched?.[key] ?? null;
    if ((change.flags & EV_ADD) !== 0) {
      if (real('fcntl', 3)(word(change.ident), word(linuxConstants.F_GETFD), word(0)) < 0) {
        return errnoOf('EBADF');
      }
      watched ??= this.#watch(queue, change.ident);
      knote ??= this.#knote(change);
      knote.low = change.low;
      knote.high = change.high;
      const hasLowWater = (change.fflags & this.#tables.constants.NOTE_LOWAT) !== 0;
      knote.lowWater = hasLowWater ? change.data : 1;
      watched[key] = knote;
    }
    if (watched === undefined || knote === null) return errnoOf('ENOENT');
    if ((change.flags & EV_DELETE) !== 0) watched[key] = null;
    if ((change.flags & EV_ENABLE) !== 0) knote.enabled = true;
    if ((change.flags & EV_DISABLE) !== 0) knote.enabled = false;
    return this.#arm(queue, change.ident, watched);
  }

  #knote({ filter, flags, low, high }: Change): Knote {
    const { EV_CLEAR, EV_ONESHOT } = this.#tables.constants;
    const clears = (flags & EV_CLEAR) !== 0;
    const once = (flags & EV_ONESHOT) !== 0;
    return { filter, clears, once, low, high, lowWater: 1, enabled: true };
  }

  #watch(queue: Queue, descriptor: number): Watched {
    const isStream =
      socketOption(descriptor, linuxConstants.SO_TYPE) === linuxConstants.SOCK_STREAM;
    const watched: Watched = { read: null, write: null, mask: null, isStream };
    queue.watched.set(descriptor, watched);
    return watched;
  }

  /** Makes the entry in the epoll set what the filters want. */
  #arm(queue: Queue, descriptor: number, watched: Watched): number {
    const read = watched.read?.enabled === true ? watched.read : null;
    const write = watched.write?.enabled === true ? watched.write : null;
    if (watched.read === null && watched.write === null) queue.watched.delete(descriptor);
    let mask: number | null = null;
    if (read !== null || write !== null) {
      const wantsBytes = read !== null && read.lowWater <= 1;
      mask = (wantsBytes ? EPOLLIN : 0) | (read === null ? 0 : EPOLLRDHUP);
      if (write !== null) mask |= EPOLLOUT;
      // By itself only: beside a filter that repeats, it is reported again at most.
      if ((read?.clears ?? true) && (write?.clears ?? true)) mask |= EPOLLET;
    }
    const before = watched.mask;
    // Again, even if it is the same: a filter that was made anew tells what is true already.
    if (before === null && mask === null) return 0;
    watched.mask = mask;
    if (mask === null) return this.#control(queue, EPOLL_CTL_DEL, descriptor, 0);
    return this.#control(queue, before === null ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, mask);
  }

  /** 0 or an errno. */
  #control(queue: Queue, operation: number, descriptor: number, mask: number): number {
    memory.view.setUint32(0, mask >>> 0, true);
    memory.view.setBigInt64(4, BigInt(descriptor), true);
    const call = real('epoll_ctl', 4);
    const result = call(word(queue.epoll), word(operation), word(descriptor), memory.at(0));
    return result < 0 ? errnoFromLinux(linuxErrno()) : 0;
  }

  #changeUser(queue: Queue, change: Change): number {
    const { EV_ADD, EV_DELETE, NOTE_TRIGGER } = this.#tables.constants;
    let user = queue.users.get(change.ident);
    if ((change.flags & EV_ADD) !== 0) {
      user ??= { knote: this.#knote(change), triggered: false };
      user.knote.low = change.low;
      user.knote.high = change.high;
      queue.users.set(change.ident, user);
    }
    if (user === undefined) return errnoOf('ENOENT');
    if ((change.flags & EV_DELETE) !== 0) queue.users.delete(change.ident);
    if ((change.fflags & NOTE_TRIGGER) !== 0) user.triggered = true;
    return this.#armUsers(queue);
  }

  #armUsers(queue: Queue): number {
    const wanted = [...queue.users.values()].some(({ triggered }) => triggered);
    if (wanted === queue.isTriggered) return 0;
    queue.isTriggered = wanted;
    return this.#control(queue, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, this.#ready, EPOLLIN);
  }

  // -- events -------------------------------------------------------------------------------------

  #wait(queue: Queue, room: number, timeoutMs: number): Change[] | number {
    const until = timeoutMs < 0 ? Infinity : performance.now() + timeoutMs;
    const most = Math.max(1, Math.min(epollEventsMax, Math.floor(room / 2)));
    for (let leftMs = timeoutMs; ; leftMs = Math.max(0, Math.ceil(until - performance.now()))) {
      const limitMs = timeoutMs < 0 ? -1 : leftMs;
      const call = real('epoll_wait', 4);
      const count = call(word(queue.epoll), memory.at(0), word(most), word(limitMs));
      if (count < 0) return failWith(errnoFromLinux(linuxErrno()));
      const ready = Array.from({ length: count }, (_, index) => {
        const offset = index * epollEventBytes;
        const mask = memory.view.getUint32(offset, true);
        return { mask, descriptor: memory.view.getInt32(offset + 4, true) };
      });
      const events: Change[] = [];
      for (const { mask, descriptor } of ready) {
        if (descriptor === this.#ready) this.#reportUsers(queue, events);
        else this.#report(queue, descriptor, mask, events);
      }
      if (events.length > 0 || count === 0) return events.slice(0, room);
      if (timeoutMs >= 0 && performance.now() >= until) return [];
    }
  }

  #reportUsers(queue: Queue, events: Change[]): void {
    for (const [ident, user] of queue.users) {
      if (!user.triggered) continue;
      if (user.knote.clears) user.triggered = false;
      const { filter, low, high } = user.knote;
      events.push({
        ident,
        filter,
        flags: this.#flagsOf(user.knote),
        fflags: 0,
        data: 0,
        low,
        high,
      });
    }
    this.#armUsers(queue);
  }

  #flagsOf({ clears, once }: Knote): number {
    const { EV_ADD, EV_CLEAR, EV_ONESHOT } = this.#tables.constants;
    const made = this.#system.returnsAddFlag ? EV_ADD : 0;
    return made | (clears ? EV_CLEAR : 0) | (once ? EV_ONESHOT : 0);
  }

  #report(queue: Queue, ident: number, mask: number, events: Change[]): void {
    const watched = queue.watched.get(ident);
    if (watched === undefined) return;
    const isGone = watched.isStream && (mask & (EPOLLHUP | EPOLLERR)) !== 0;
    const error = isGone ? this.#errorOf(ident) : 0;
    const add = (knote: Knote, isEnd: boolean, data: number): void => {
      const flags = this.#flagsOf(knote) | (isEnd ? this.#tables.constants.EV_EOF : 0);
      const { filter, low, high } = knote;
      events.push({ ident, filter, flags, fflags: isEnd ? error : 0, data, low, high });
      if (!knote.once) return;
      if (knote === watched.read) watched.read = null;
      else watched.write = null;
      this.#arm(queue, ident, watched);
    };
    const { read, write } = watched;
    if (read?.enabled === true) {
      const isEnd = isGone || (watched.isStream && (mask & EPOLLRDHUP) !== 0);
      const bytes = (mask & EPOLLIN) === 0 ? 0 : 1;
      if (isEnd || bytes >= read.lowWater || (mask & EPOLLERR) !== 0) add(read, isEnd, bytes);
    }
    if (write?.enabled === true && (mask & (EPOLLOUT | EPOLLHUP | EPOLLERR)) !== 0) {
      add(write, isGone, isGone ? 0 : 1);
    }
  }

  /** so_error, which stays until a call tells it. */
  #errorOf(descriptor: number): number {
    const kept = keptErrors.get(descriptor);
    if (kept !== undefined) return kept;
    const error = socketOption(descriptor, linuxConstants.SO_ERROR);
    if (error <= 0) return 0;
    const errno = errnoFromLinux(error);
    keptErrors.set(descriptor, errno);
    return errno;
  }
}
