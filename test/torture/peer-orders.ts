/** What a peer may do, in which order, and what a server may then see: one table for all drivers. */

/** `D` sends a byte, `F` ends its side, `R` resets. Whoever does neither at the end is silent. */
export type Step = 'D' | 'F' | 'R';

export const serverStates = {
  reading: 'reads and answers nothing',
  paused: 'has paused reading, and resumes it at the end',
  waiting: 'waits for a promise of its handler',
  stuck: 'has more to send than the peer takes, so that its reading rests',
  closing: 'has closed, with more to send than the peer takes',
  lingering: 'has closed, with nothing left to send',
} as const;

export type ServerState = keyof typeof serverStates;

export interface PeerCase {
  readonly state: ServerState;
  readonly allowHalfOpen: boolean;
  readonly steps: readonly Step[];
  /** All steps at once, or each when the one before it was heard. */
  readonly pace: 'burst' | 'spaced';
}

export interface Seen {
  /** Bytes that `react` was given. */
  readonly bytes: number;
  readonly ends: number;
  /** Of the error of `onClosed`; `-` without one. */
  readonly closed: readonly string[];
}

/** `never` and `once` must hold; `either` is for what two packets decide that arrive together. */
export interface Expected {
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly end: 'never' | 'once' | 'either';
  readonly closed: readonly string[];
}

/** Up to two bytes, then an end, a reset, both or neither. */
const orders: readonly (readonly Step[])[] = [0, 1, 2].flatMap((count) => {
  const data: Step[] = Array(count).fill('D');
  return [data, [...data, 'F'], [...data, 'R'], [...data, 'F', 'R']] satisfies Step[][];
});

export function allCases(): readonly PeerCase[] {
  const cases: PeerCase[] = [];
  for (const state of Object.keys(serverStates) as ServerState[]) {
    for (const allowHalfOpen of [false, true]) {
      for (const pace of ['burst', 'spaced'] as const) {
        for (const steps of orders) cases.push({ state, allowHalfOpen, steps, pace });
      }
    }
  }
  return cases;
}

export function nameOf({ state, allowHalfOpen, steps, pace }: PeerCase): string {
  const order = steps.length === 0 ? 'silence' : steps.join(' ');
  return `${state}${allowHalfOpen ? ', half-open allowed' : ''}: ${order} (${pace})`;
}

const broken = ['ECONNRESET'];
const inOrder = ['-'];

/** What must be seen, once a silent peer has ended in order and taken everything. */
export function expected({ state, allowHalfOpen, steps, pace }: PeerCase): Expected {
  const sent = steps.filter((step) => step === 'D').length;
  const resets = steps.includes('R');
  const ends = steps.includes('F');
  if (state === 'closing' || state === 'lingering') {
    // Nobody misses anything where nothing was left to send.
    const closed = resets && state === 'closing' ? broken : inOrder;
    return { bytesMin: 0, bytesMax: 0, end: 'never', closed };
  }
  if (!resets) return { bytesMin: sent, bytesMax: sent, end: 'once', closed: inOrder };
  if (state === 'stuck') {
    return { bytesMin: 0, bytesMax: sent, end: ends ? 'either' : 'never', closed: broken };
  }
  // Everything that came before a reset is delivered.
  const all = { bytesMin: sent, bytesMax: sent };
  if (!ends) return { ...all, end: 'never', closed: broken };
  if (allowHalfOpen) {
    const heardApart = pace === 'spaced' && state === 'reading';
    return { ...all, end: heardApart ? 'once' : 'either', closed: broken };
  }
  if (pace === 'spaced' && state === 'reading') return { ...all, end: 'once', closed: inOrder };
  return { ...all, end: 'either', closed: [...inOrder, ...broken] };
}

/** Empty when what was seen is allowed. */
export function wrongWith(seen: Seen, wanted: Expected): string {
  const wrong: string[] = [];
  if (seen.bytes < wanted.bytesMin || seen.bytes > wanted.bytesMax) {
    wrong.push(`${seen.bytes} bytes, not ${wanted.bytesMin} to ${wanted.bytesMax}`);
  }
  const endsMin = wanted.end === 'once' ? 1 : 0;
  const endsMax = wanted.end === 'never' ? 0 : 1;
  if (seen.ends < endsMin || seen.ends > endsMax) wrong.push(`onEnd ${seen.ends} times`);
  const [code] = seen.closed;
  if (seen.closed.length !== 1 || code === undefined || !wanted.closed.includes(code)) {
    wrong.push(`onClosed ${JSON.stringify(seen.closed)}, not ${wanted.closed.join(' or ')}`);
  }
  return wrong.join('; ');
}
