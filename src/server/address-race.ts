import { ErrTimeout, type GnetError } from '../base/errors.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { Attempt, DialOutcome } from '../loop/dialer.ts';
import { formatAddress } from './addresses.ts';
import { afterLooks, type LookingLoop, patientTimer } from './patient-timer.ts';

/** The part of a loop that calls one address. */
export interface CallingLoop extends LookingLoop {
  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null;
  abandonDial(attempt: Attempt): void;
}

/** Milliseconds. */
export interface RaceTimes {
  /** Until the next address is called, while those before have not answered. */
  readonly delay: number;
  /** What one address may take; 0: as long as the kernel waits. */
  readonly limit: number;
}

/** One of the two is called, once; none after `giveUp`. */
export interface RaceOutcome {
  connected(connection: StreamConnection): void;
  /** Every address has failed; the error of the first. */
  failed(error: GnetError): void;
}

/**
 * The addresses of one name, called as RFC 8305 wants it: one after the other, the next one also when
 * the one before has not answered for a while; the first connection counts, and the others are given up.
 */
export class AddressRace {
  readonly #loop: CallingLoop;
  readonly #targets: readonly Endpoint[];
  readonly #times: RaceTimes;
  readonly #outcome: RaceOutcome;
  readonly #calls = new Set<Call>();
  readonly #errors: (GnetError | undefined)[] = [];
  #begun = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  /** @param targets at least one, in the order to try. */
  constructor(
    loop: CallingLoop,
    targets: readonly Endpoint[],
    times: RaceTimes,
    outcome: RaceOutcome,
  ) {
    this.#loop = loop;
    this.#targets = targets;
    this.#times = times;
    this.#outcome = outcome;
  }

  /** Calls the next address, if there is one. */
  next(): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    const target = this.#targets[this.#begun];
    if (target === undefined) {
      if (this.#calls.size === 0) this.#lost();
      return;
    }
    const call = new Call(this, this.#begun);
    this.#begun++;
    this.#calls.add(call);
    call.begin(this.#loop, target, this.#times.limit);
    // One that failed at once has begun the next already.
    if (!this.#calls.has(call) || this.#begun === this.#targets.length) return;
    this.#timer = setTimeout(() => this.next(), this.#times.delay);
  }

  #lost(): void {
    this.#over = true;
    // Sparse: each has failed by now.
    this.#outcome.failed(this.#errors.find((error) => error !== undefined) as GnetError);
  }

  failed(call: Call, error: GnetError): void {
    if (!this.#calls.delete(call)) return;
    this.#errors[call.index] = error;
    this.next();
  }

  connected(call: Call, connection: StreamConnection): void {
    this.#calls.delete(call);
    this.giveUp();
    this.#outcome.connected(connection);
  }

  /** Closes the attempts under way without reporting them. */
  giveUp(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    for (const call of this.#calls) call.giveUp(this.#loop);
    this.#calls.clear();
  }
}

/** One address that was called. */
class Call implements DialOutcome {
  readonly index: number;
  readonly #race: AddressRace;
  #attempt: Attempt | null = null;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(race: AddressRace, index: number) {
    this.#race = race;
    this.index = index;
  }

  begin(loop: CallingLoop, target: Endpoint, limitMs: number): void {
    this.#attempt = loop.dial(target, this);
    if (this.#attempt === null || limitMs === 0) return;
    const passed = (): void => {
      if (this.#over) return;
      this.giveUp(loop);
      this.#race.failed(this, tooLate(target, limitMs));
    };
    const putOff = (timer: NodeJS.Timeout): void => {
      this.#timer = timer;
    };
    putOff(patientTimer(limitMs, () => afterLooks(loop, passed), putOff));
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  giveUp(loop: CallingLoop): void {
    this.#end();
    if (this.#attempt !== null) loop.abandonDial(this.#attempt);
  }

  connected(connection: StreamConnection): void {
    this.#end();
    this.#race.connected(this, connection);
  }

  failed(error: GnetError): void {
    this.#end();
    this.#race.failed(this, error);
  }
}

function tooLate(target: Endpoint, limitMs: number): ErrTimeout {
  const address =
    target.kind === 'unix' ? target.path : formatAddress(target.family, target.host, target.port);
  return new ErrTimeout(
    `cannot connect to ${address}: it did not answer within ${limitMs} ms; raise attemptTimeout`,
    { address },
  );
}

/** The families in turn, beginning with that of the first; within each the order stays. */
export function interleaved(targets: readonly Endpoint[]): readonly Endpoint[] {
  const [first] = targets;
  if (first === undefined || first.kind === 'unix') return targets;
  const isFirst = (one: Endpoint): boolean => one.kind !== 'unix' && one.family === first.family;
  const liked = targets.filter(isFirst);
  const others = targets.filter((one) => !isFirst(one));
  const both = [liked, others] as const;
  return Array.from({ length: Math.max(liked.length, others.length) }, (_, at) => at).flatMap(
    (at) => both.flatMap((list) => list.slice(at, at + 1)),
  );
}
