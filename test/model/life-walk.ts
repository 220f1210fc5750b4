/** Walks connections through the model, all at the same pace, and compares what their handlers hear. */
import assert from 'node:assert/strict';
import { type Conn, type EventHandler, GnetError } from 'gnet';
import {
  after,
  eventNames,
  type Heard,
  isPossible,
  type LifeEvent,
  type LifeSettings,
  type LifeState,
  newborn,
} from '../../testing/connection-model.ts';
import type { Random } from 'gnet/testing';

/** What the far side of a connection does. */
export interface LifePeer {
  send(): void;
  end(): void;
  reset(): void;
  /** Takes nothing until `read`. */
  stall(): void;
  read(): void;
  /** Bytes that it was given. */
  readonly received: number;
  /** It was told of our end in order. */
  readonly sawEnd: boolean;
}

const one = Buffer.from('x');
/** Behind these nobody is promised the rest. */
const hardEnds: ReadonlySet<LifeEvent> = new Set(['peerReset', 'reset', 'destroy']);

/** One connection, what it does, and what its handler has heard. */
export class Walker {
  readonly settings: LifeSettings;
  readonly steps: readonly LifeEvent[];
  readonly #fillBytes: number;
  state: LifeState = newborn;
  conn: Conn | null = null;
  peer: LifePeer | null = null;
  #asks = false;
  #settle: (() => void) | null = null;
  #at = 0;
  /** What the handler must have heard by now, from the least to the most. */
  readonly #bytes: [number, number] = [0, 0];
  readonly #ends: [number, number] = [0, 0];
  readonly #drains: [number, number] = [0, 0];
  #closes: readonly string[] | null = null;
  #mayBreak = false;
  #written = 0;
  // What it has heard.
  bytes = 0;
  ends = 0;
  drains = 0;
  readonly closed: string[] = [];

  constructor(settings: LifeSettings, steps: readonly LifeEvent[], fillBytes: number) {
    this.settings = settings;
    this.steps = steps;
    this.#fillBytes = fillBytes;
  }

  /** How the walk reads in a failure. */
  get name(): string {
    const { allowHalfOpen, overflow } = this.settings;
    const done = this.steps.slice(0, this.#at).join(' ');
    return `${allowHalfOpen ? 'half-open allowed' : 'no half-open'}, overflow ${overflow}: ${done}`;
  }

  get isOver(): boolean {
    return this.#at === this.steps.length || this.#brokeEarly;
  }

  /** It noticed the peer's reset, which it need not. */
  get #brokeEarly(): boolean {
    return this.#mayBreak && this.closed.length === 1 && this.closed[0] === 'ECONNRESET';
  }

  /** Begins the next thing: notes what must come of it, and the peer does its part. */
  beginStep(): void {
    const event = this.steps[this.#at++] as LifeEvent;
    assert.ok(isPossible(this.settings, this.state, event), `${this.name}: possible`);
    const { heard, next } = after(this.settings, this.state, event);
    this.#expect(heard);
    this.state = next;
    this.#peerDoes(event, this.peer as LifePeer);
  }

  #expect({ bytes, ends, drains, closed, mayBreak = false }: Heard): void {
    this.#mayBreak ||= mayBreak;
    for (const [sum, range] of [
      [this.#bytes, bytes],
      [this.#ends, ends],
      [this.#drains, drains],
    ] as const) {
      sum[0] += range[0];
      sum[1] += range[1];
    }
    if (closed !== null) this.#closes = closed;
  }

  #peerDoes(event: LifeEvent, peer: LifePeer): void {
    if (event === 'ask') this.#asks = true;
    if (event === 'send' || event === 'ask') peer.send();
    else if (event === 'peerEnd') peer.end();
    else if (event === 'peerReset') peer.reset();
    else if (event === 'peerRead') peer.read();
    else if (event === 'fill') peer.stall();
  }

  /** The program does its part, when the peer has. */
  endStep(): void {
    const event = this.steps[this.#at - 1] as LifeEvent;
    const conn = this.conn as Conn;
    switch (event) {
      case 'write':
        this.#written += one.length;
        return void conn.asyncWrite(one);
      case 'fill':
        this.#written += this.#fillBytes;
        return void conn.asyncWrite(Buffer.alloc(this.#fillBytes, 'f'));
      case 'settle':
        return this.#settle?.();
      case 'pauseRead':
      case 'resumeRead':
      case 'end':
      case 'close':
      case 'reset':
      case 'destroy':
        return conn[event]();
      default:
        return; // the peer's
    }
  }

  /** Everything that must come of the steps so far has come. */
  get isSettled(): boolean {
    const least = [this.#bytes, this.#ends, this.#drains].map(([count]) => count);
    if (this.#brokeEarly) return true;
    const enough = [this.bytes, this.ends, this.drains].every((n, i) => n >= (least[i] ?? 0));
    return enough && (this.#closes === null || this.closed.length > 0);
  }

  /** What is not as the model says, or ''. */
  get wrong(): string {
    const wrong: string[] = [];
    const check = (what: string, count: number, [least, most]: [number, number]): void => {
      if (count < least || count > most) wrong.push(`${what} ${count}, not ${least} to ${most}`);
    };
    check('bytes', this.bytes, this.#bytes);
    check('onEnd', this.ends, this.#ends);
    check('onDrain', this.drains, this.#drains);
    const codes = this.closed.join(' ');
    const allowed = this.#brokeEarly ? [codes] : (this.#closes ?? []);
    if (this.#closes === null && !this.#brokeEarly) {
      if (codes !== '') wrong.push(`onClosed ${codes}, too early`);
    } else if (this.closed.length !== 1 || !allowed.includes(codes)) {
      wrong.push(`onClosed ${codes || 'not called'}, not ${allowed.join(' or ')}`);
    }
    return wrong.length === 0 ? '' : `${this.name}: ${wrong.join('; ')}`;
  }

  /** The peer of one that ended in order has got everything, and our end. */
  get isComplete(): boolean {
    if (this.#brokeEarly) return true;
    const endsHard = this.steps.some((step) => hardEnds.has(step));
    if (endsHard || this.#closes?.[0] !== '-') return true;
    return this.peer?.sawEnd === true && this.peer.received === this.#written;
  }

  react(): Promise<undefined> | undefined {
    this.bytes++;
    if (!this.#asks) return undefined;
    this.#asks = false;
    return new Promise((resolve) => {
      this.#settle = () => resolve(undefined);
    });
  }
}

/** The handler of all walkers: `of` finds the one of a connection. */
export function walkerHandler(opened: (c: Conn) => Walker): EventHandler {
  const of = (c: Conn): Walker => c.context as Walker;
  return {
    onOpened(c) {
      c.context = opened(c);
      of(c).conn = c;
    },
    react: (frame, c) => {
      let answer: Promise<undefined> | undefined;
      for (let count = frame?.length ?? 0; count > 0; count--) answer = of(c).react();
      return answer;
    },
    onEnd: (c) => void of(c).ends++,
    onDrain: (c) => void of(c).drains++,
    onClosed: (c, error) => {
      of(c).closed.push(error instanceof GnetError ? error.code : String(error ?? '-'));
    },
  };
}

/** Behind the steps of a walk: whatever it has come to, it ends in order. */
export function withEnd(settings: LifeSettings, steps: readonly LifeEvent[]): LifeEvent[] {
  const all = [...steps];
  let state = newborn;
  for (const event of steps) state = after(settings, state, event).next;
  for (const event of ['settle', 'resumeRead', 'peerRead', 'close', 'peerEnd'] as const) {
    if (!isPossible(settings, state, event)) continue;
    all.push(event);
    state = after(settings, state, event).next;
  }
  assert.equal(state.life, 'closed', `${steps.join(' ')} comes to an end`);
  return all;
}

/** Every order of so many events. */
export function* allWalks(settings: LifeSettings, depth: number): Generator<LifeEvent[]> {
  yield* orders(settings, newborn, [], depth);
}

function* orders(
  settings: LifeSettings,
  state: LifeState,
  steps: LifeEvent[],
  depth: number,
): Generator<LifeEvent[]> {
  if (depth === 0 || state.life === 'closed') {
    yield steps;
    return;
  }
  for (const event of eventNames) {
    if (!isPossible(settings, state, event)) continue;
    yield* orders(settings, after(settings, state, event).next, [...steps, event], depth - 1);
  }
}

/** Up to so many events, any of those that are possible; what ends a connection seldom. */
export function randomWalk(settings: LifeSettings, random: Random, length: number): LifeEvent[] {
  const steps: LifeEvent[] = [];
  let state = newborn;
  while (steps.length < length && state.life !== 'closed') {
    const possible = eventNames.filter((event) => isPossible(settings, state, event));
    const event = possible[random.below(possible.length)] as LifeEvent;
    const ends = after(settings, state, event).next.life === 'closed';
    if (ends && random.chance(0.7)) continue;
    steps.push(event);
    state = after(settings, state, event).next;
  }
  return steps;
}
