/**
 * The life of one connection as data: what it is doing, what the program and the peer may do next, and
 * what the handler then hears. Small on purpose, and written without the code that it judges. Tests walk
 * it beside real connections; docs/connection-life.md is made of it.
 */

export interface LifeSettings {
  readonly allowHalfOpen: boolean;
  readonly overflow: 'pause' | 'none';
}

export const allSettings: readonly LifeSettings[] = [
  { allowHalfOpen: false, overflow: 'pause' },
  { allowHalfOpen: false, overflow: 'none' },
  { allowHalfOpen: true, overflow: 'pause' },
  { allowHalfOpen: true, overflow: 'none' },
];

export interface LifeState {
  /** As in docs/connections.md; Broken and Ending are over before anybody can do anything. */
  readonly life: 'open' | 'flushing' | 'lingering' | 'closed';
  /** `pauseRead()`. */
  readonly paused: boolean;
  /** The promise of `react` has not settled. */
  readonly answering: boolean;
  /** More was written than the peer takes, which does not read. */
  readonly stuck: boolean;
  /** `end()`. */
  readonly ended: boolean;
  /** Bytes that wait for reading to go on. */
  readonly held: number;
  /** The peer's end: not there, there and not heard of, heard of. */
  readonly peerEnd: 'none' | 'held' | 'told';
  /** The peer has reset, and nobody has noticed. */
  readonly gone: boolean;
}

export const newborn: LifeState = {
  life: 'open',
  paused: false,
  answering: false,
  stuck: false,
  ended: false,
  held: 0,
  peerEnd: 'none',
  gone: false,
};

/** In the order of the columns of the documentation. */
export const lifeEvents = {
  send: 'the peer sends a byte',
  ask: 'the peer sends a byte, and `react` returns a promise',
  peerEnd: 'the peer ends its side',
  peerReset: 'the peer resets',
  peerRead: 'the peer reads everything',
  write: '`asyncWrite` of a byte',
  fill: '`asyncWrite` of more than the peer takes',
  settle: 'the promise settles',
  pauseRead: '`pauseRead()`',
  resumeRead: '`resumeRead()`',
  end: '`end()`',
  close: '`close()`',
  reset: '`reset()`',
  destroy: '`destroy()`',
} as const;

export type LifeEvent = keyof typeof lifeEvents;
export const eventNames: readonly LifeEvent[] = Object.keys(lifeEvents) as LifeEvent[];

/** What the handler hears of one event: no more and no less. */
export interface Heard {
  /** Bytes of `react`: not so many when a reset overtakes them. */
  readonly bytes: readonly [least: number, most: number];
  readonly ends: readonly [least: number, most: number];
  readonly drains: readonly [least: number, most: number];
  /** The codes that `onClosed` may be given, `-` for none; null: it is not called. */
  readonly closed: readonly string[] | null;
  /** From now on it may be over with ECONNRESET at any time: some drivers notice, and some do not. */
  readonly mayBreak?: boolean;
}

export interface Outcome {
  readonly heard: Heard;
  readonly next: LifeState;
}

const nothing: Heard = { bytes: [0, 0], ends: [0, 0], drains: [0, 0], closed: null };
const inOrder = ['-'];
const broken = ['ECONNRESET'];

/** Nothing is read: what the peer does waits in the kernel. */
export function rests(settings: LifeSettings, state: LifeState): boolean {
  return state.paused || state.answering || (state.stuck && settings.overflow === 'pause');
}

function over(heard: Heard, codes: readonly string[]): Outcome {
  return { heard: { ...heard, closed: codes }, next: { ...newborn, life: 'closed' } };
}

/** Whether it can happen at all, and is for the model to decide. */
export function isPossible(settings: LifeSettings, state: LifeState, event: LifeEvent): boolean {
  const { life, peerEnd, gone } = state;
  if (life === 'closed') return false;
  const open = life === 'open';
  const peerSends = peerEnd === 'none' && !gone;
  switch (event) {
    case 'send':
      return peerSends;
    case 'ask':
      return peerSends && open && !rests(settings, state);
    case 'peerEnd':
      return peerSends;
    case 'peerReset':
      return !gone;
    case 'peerRead':
      return state.stuck && !gone;
    case 'write':
      return open && !state.ended;
    case 'fill':
      return open && !state.ended && !state.stuck && !gone;
    case 'settle':
      return state.answering;
    case 'pauseRead':
      return open && !state.paused;
    case 'resumeRead':
      return open && state.paused;
    case 'end':
      // Whether the system tells of a reset then is its own affair.
      return open && !state.ended && !gone;
    case 'close':
      return open;
    case 'reset':
    case 'destroy':
      return true;
  }
}

/** What happens then. Only for what is possible. */
export function after(settings: LifeSettings, state: LifeState, event: LifeEvent): Outcome {
  const stays: Outcome = { heard: nothing, next: state };
  const open = state.life === 'open';
  switch (event) {
    case 'send':
      return open ? read(settings, { ...state, held: state.held + 1 }) : stays;
    case 'ask':
      return { heard: { ...nothing, bytes: [1, 1] }, next: { ...state, answering: true } };
    case 'peerEnd':
      if (open) return read(settings, { ...state, peerEnd: 'held' });
      return state.life === 'lingering'
        ? over(nothing, inOrder)
        : { heard: nothing, next: { ...state, peerEnd: 'told' } };
    case 'peerReset':
      return afterPeerReset(settings, state);
    case 'peerRead':
      return afterPeerRead(settings, { ...state, stuck: false });
    case 'write':
      return state.gone ? over(nothing, broken) : stays;
    case 'fill':
      return { heard: nothing, next: { ...state, stuck: true } };
    case 'settle':
      return open
        ? read(settings, { ...state, answering: false })
        : flushed(nothing, { ...state, answering: false });
    case 'pauseRead':
      return { heard: nothing, next: { ...state, paused: true } };
    case 'resumeRead':
      return read(settings, { ...state, paused: false });
    case 'end':
      return bothEnded(nothing, { ...state, ended: true });
    case 'close':
      return flushed(nothing, { ...state, life: 'flushing', held: 0 });
    case 'reset':
    case 'destroy':
      return over(nothing, inOrder);
  }
}

/** An open connection hears of what waits, unless its reading rests. */
function read(settings: LifeSettings, state: LifeState): Outcome {
  if (rests(settings, state)) return { heard: nothing, next: state };
  const { held, peerEnd, gone } = state;
  const heard: Heard = { ...nothing, bytes: [held, held] };
  const next: LifeState = { ...state, held: 0 };
  if (gone) {
    if (peerEnd !== 'held') return over(heard, broken);
    // Both have arrived: the system says which it tells first. The end may be all there was to wait for.
    const waits = settings.allowHalfOpen && !state.ended;
    const codes = waits ? broken : [...inOrder, ...broken];
    return over({ ...heard, ends: [0, 1] }, codes);
  }
  if (peerEnd !== 'held') return { heard, next };
  const told: Heard = { ...heard, ends: [1, 1] };
  const toldNext: LifeState = { ...next, peerEnd: 'told' };
  return settings.allowHalfOpen
    ? bothEnded(told, toldNext)
    : flushed(told, { ...toldNext, life: 'flushing' });
}

/** An open connection is over when both sides have ended and everything is sent. */
function bothEnded(heard: Heard, state: LifeState): Outcome {
  const isOver = state.ended && state.peerEnd === 'told' && !state.stuck && !state.answering;
  return isOver ? over(heard, inOrder) : { heard, next: state };
}

/** A connection that closes goes on when everything is sent: to the peer's end, or beyond it. */
function flushed(heard: Heard, state: LifeState): Outcome {
  if (state.stuck || state.answering) return { heard, next: state };
  if (state.peerEnd !== 'none' || state.gone) return over(heard, inOrder);
  return { heard, next: { ...state, life: 'lingering' } };
}

function afterPeerReset(settings: LifeSettings, state: LifeState): Outcome {
  const { life, stuck, held, peerEnd } = state;
  if (life === 'lingering') return over(nothing, inOrder);
  // What is to be sent cannot be: that is noticed, whatever else rests.
  if (life === 'flushing') {
    return stuck ? over(nothing, broken) : unnoticed({ ...state, gone: true });
  }
  if (stuck) {
    const ends: Heard['ends'] = [0, peerEnd === 'held' ? 1 : 0];
    return over({ ...nothing, bytes: [0, held], ends }, broken);
  }
  if (peerEnd === 'told') return over(nothing, broken);
  const gone = { ...state, gone: true };
  return rests(settings, state) ? unnoticed(gone) : read(settings, gone);
}

/** What has arrived before is promised, and only then is the connection over. */
function unnoticed(next: LifeState): Outcome {
  const mayBreak = next.held === 0 && next.peerEnd === 'none';
  return { heard: mayBreak ? { ...nothing, mayBreak } : nothing, next };
}

function afterPeerRead(settings: LifeSettings, state: LifeState): Outcome {
  // An answer is still due: until then the program hears of room.
  const drains: Heard['drains'] = state.answering ? [1, 1] : [0, 0];
  if (state.life !== 'open') return flushed({ ...nothing, drains }, state);
  const { heard, next } = read(settings, state);
  const last = heard.closed === null ? bothEnded(heard, next) : null;
  // Of room it is told where the last bytes leave in pieces.
  if (last !== null && last.heard.closed !== null) {
    return { ...last, heard: { ...last.heard, drains: [0, 1] } };
  }
  return { heard: { ...heard, drains: [1, 1] }, next };
}

/** What the documentation shows; the walks also come to states that are several of these at once. */
export const shownStates: readonly LifeState[] = [
  newborn,
  { ...newborn, paused: true },
  { ...newborn, answering: true },
  { ...newborn, stuck: true },
  { ...newborn, ended: true },
  { ...newborn, peerEnd: 'told' },
  { ...newborn, paused: true, gone: true },
  { ...newborn, life: 'flushing', stuck: true },
  { ...newborn, life: 'lingering' },
];

/** `reading`, `paused, stuck`, `flushing`, ... */
export function nameOfState(state: LifeState): string {
  const words: string[] = [];
  const open = state.life === 'open';
  if (!open) words.push(state.life);
  if (state.paused && open) words.push('paused');
  if (state.answering) words.push('answering');
  if (state.stuck && open) words.push('stuck');
  if (state.ended && open) words.push('own side ended');
  if (state.held > 0) words.push('bytes wait');
  if (state.peerEnd === 'held') words.push("the peer's end waits");
  if (state.peerEnd === 'told') words.push('peer ended');
  if (state.gone) words.push('peer gone');
  return words.length === 0 ? 'reading' : words.join(', ');
}
