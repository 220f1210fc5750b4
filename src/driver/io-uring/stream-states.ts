import { assert } from '../../base/assert.ts';

/*
 * What a stream over the ring is doing: several small machines side by side, each in one of its named
 * states. A state is a bit of `Stream.states` and no bit is the state named in brackets, so one mask
 * asks for any set of states. `stream-transitions.ts` has a function for each arrow; nothing else
 * changes them. Marks, below, are plain yes and no.
 *
 *   receive      [idle] -> inFlight -> stopping -> idle;  idle -> starved -> idle
 *   send         [free] -> inFlight -> free;  inFlight -> held -> inFlight, free;  free -> full -> free
 *   roomPoll     [none] -> inFlight -> none
 *   hangupPoll   [none] -> due -> inFlight -> none
 *   connect      [none] -> inFlight -> none;  inFlight, none -> failed
 *   cancel       [none] -> inFlight -> answered -> none
 *   life         [open] -> closing -> gone
 *   failure      [none] -> afterKept -> next -> reported, and any of them may be left out
 *   peerEnd      [none] -> received -> reported
 *   ownEnd       [open] -> due -> done;  open -> done
 *   joining      [none] -> waiting -> late -> none
 */

/** The multishot receive. */
export const receive = {
  /** In flight: also after a pause, until something arrives. */
  inFlight: 1 << 0,
  /** In flight and being cancelled, because something arrived while the stream is paused. */
  stopping: 1 << 1,
  /** It found no buffer: on the list of those that try again. */
  starved: 1 << 2,
} as const;

/** What was taken and is not sent. One send at a time: two could overtake each other. */
export const send = {
  /** The kernel has it. */
  inFlight: 1 << 3,
  /** The socket is full: the rest of the slab that was taken waits for room. */
  held: 1 << 4,
  /** The socket is full and nothing was taken: the loop's queue waits for room. */
  full: 1 << 5,
} as const;

/** The poll that tells of room in a full socket. */
export const roomPoll = { inFlight: 1 << 6 } as const;

/** The poll that hears of a reset behind the peer's end, when no receive is in flight any more. */
export const hangupPoll = {
  /** The next wait submits it. */
  due: 1 << 7,
  inFlight: 1 << 8,
} as const;

export const connect = {
  /** The poll that tells of the outcome. */
  inFlight: 1 << 9,
  /** Refused: there never was a connection. */
  failed: 1 << 10,
} as const;

/** The cancellation of everything of a stream that is being closed. */
export const cancel = {
  /** Its answer, which names the descriptor, is due. */
  inFlight: 1 << 11,
  answered: 1 << 12,
} as const;

export const life = {
  /** `closeStream` was called: nothing is reported any more. */
  closing: 1 << 13,
  /** The descriptor is closed. */
  gone: 1 << 14,
} as const;

/** Nothing more can be done with it. */
export const failure = {
  /** `failed` is reported when the bytes that are kept have been. */
  afterKept: 1 << 15,
  /** The next wait reports `failed`, because the connection wants to send. */
  next: 1 << 16,
  reported: 1 << 17,
} as const;

export const peerEnd = {
  /** Not reported yet: it is paused, or bytes are kept. */
  received: 1 << 18,
  reported: 1 << 19,
} as const;

export const ownEnd = {
  /** Half-close when the send ends. */
  due: 1 << 20,
  done: 1 << 21,
} as const;

/** What is kept was cut from what follows: the next arrival is put behind it. */
export const joining = {
  waiting: 1 << 22,
  /** It has waited for one wait. */
  late: 1 << 23,
} as const;

export const mark = {
  /** The loop wants bytes. */
  wanted: 1 << 24,
  /** Bytes were left behind: `writable` follows when the send ends. */
  awaited: 1 << 25,
  /** `writable` is reported by the next wait. */
  writableDue: 1 << 26,
  /** The socket was full: what waits is sent by calls when it has room, until the queue is empty. */
  congested: 1 << 27,
  /** On the list of those that the next wait looks after. */
  listed: 1 << 28,
  /** It is to be reset. */
  aborted: 1 << 29,
  /**
   * A sweep found that nothing has left since the previous sweep: the next one gives the stream up.
   */
  swept: 1 << 30,
} as const;

type Machine = Readonly<Record<string, number>>;

function statesOf(machine: Machine): number {
  return Object.values(machine).reduce((states, state) => states | state, 0);
}

export const anyReceive: number = statesOf(receive);
export const anySend: number = statesOf(send);
export const anyRoomPoll: number = statesOf(roomPoll);
export const anyHangupPoll: number = statesOf(hangupPoll);
export const anyConnect: number = statesOf(connect);
export const anyCancel: number = statesOf(cancel);
export const anyFailure: number = statesOf(failure);
export const anyPeerEnd: number = statesOf(peerEnd);
export const anyOwnEnd: number = statesOf(ownEnd);
export const anyJoining: number = statesOf(joining);
/** Closing or gone. */
export const notOpen: number = statesOf(life);

/** A receive is in flight, cancelled or not. */
export const receives: number = receive.inFlight | receive.stopping;
/** Not everything that was taken is sent. */
export const sends: number = send.inFlight | send.held;
/** `failed` is still to be reported. */
export const failureDue: number = failure.afterKept | failure.next;
/** The kernel still has something of the stream: its descriptor must not be closed. */
export const inFlight: number =
  receives |
  send.inFlight |
  roomPoll.inFlight |
  hangupPoll.inFlight |
  connect.inFlight |
  cancel.inFlight;

/** Machines by name, for a message about one. */
const machines: readonly (readonly [string, Machine])[] = [
  ['receive', receive],
  ['send', send],
  ['roomPoll', roomPoll],
  ['hangupPoll', hangupPoll],
  ['connect', connect],
  ['cancel', cancel],
  ['life', life],
  ['failure', failure],
  ['peerEnd', peerEnd],
  ['ownEnd', ownEnd],
  ['joining', joining],
  ['mark', mark],
];

/** `receive.inFlight send.held mark.wanted`, as assertions show it. */
export function describeStates(states: number): string {
  const words: string[] = [];
  for (const [name, machine] of machines) {
    for (const [state, bit] of Object.entries(machine)) {
      if ((states & bit) !== 0) words.push(`${name}.${state}`);
    }
  }
  return words.join(' ');
}

/** In one of the states `when`, the stream is in one of `needs` (0: no matter) and in none of `not`. */
interface Rule {
  readonly when: number;
  readonly needs: number;
  readonly not: number;
  readonly why: string;
}

/** The legal combinations of the machines. */
const rules: readonly Rule[] = [
  {
    when: anyCancel | mark.aborted | mark.swept,
    needs: notOpen,
    not: 0,
    why: 'only a closed stream is cancelled, reset or given up',
  },
  {
    when: send.held | send.full,
    needs: mark.congested,
    not: 0,
    why: 'what waits for room is sent by calls',
  },
  {
    when: connect.inFlight,
    needs: 0,
    not: anyReceive | anySend | anyRoomPoll | anyHangupPoll | anyPeerEnd | anyJoining,
    why: 'a stream that is being connected carries nothing',
  },
  {
    when: connect.failed,
    needs: anyFailure,
    not: anyReceive | anySend | anyRoomPoll | anyHangupPoll | anyPeerEnd | anyJoining,
    why: 'a connection that was refused is broken and carried nothing',
  },
  {
    when: anyPeerEnd,
    needs: 0,
    not: anyReceive,
    why: 'nothing is received behind the end',
  },
  {
    when: anyHangupPoll,
    needs: peerEnd.reported,
    not: 0,
    why: 'a receive hears of a reset until the end was reported',
  },
];

/** States that a rule speaks of: a stream in none of them, as nearly every one, breaks no rule. */
const ruled: number = rules.reduce((states, { when }) => states | when, 0);

function isLegal(states: number, { when, needs, not }: Rule): boolean {
  if ((states & when) === 0) return true;
  return (needs === 0 || (states & needs) !== 0) && (states & not) === 0;
}

/** Must hold after each transition. */
export function checkCombination(states: number): void {
  if ((states & ruled) === 0) return;
  for (const rule of rules) {
    if (!isLegal(states, rule)) assert(false, `${rule.why}: ${describeStates(states)}`);
  }
}
