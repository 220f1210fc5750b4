/** Where the slow answers of a restart come from. */
import { type Answer, waited } from './steady-client.ts';

/** When the parts of a restart were over, as `performance.now` tells it. */
interface Steps {
  /** The new process serves. */
  readonly served: number;
  /** The last connection has had its goodbye; 0 where nobody says any. */
  readonly left: number;
}

/** How many answers took longer than a limit. */
export interface SlowAnswers {
  readonly starting: number;
  readonly goodbyes: number;
  readonly later: number;
  readonly total: number;
  /** Those for which the client itself was late, by more than half of the time: it had no CPU. */
  readonly sentLate: number;
}

export function slowAnswers(
  answers: readonly Answer[],
  limitMs: number,
  { served, left }: Steps,
): SlowAnswers {
  const slow = answers.filter((answer) => waited(answer) > limitMs);
  const count = (isOne: (answer: Answer) => boolean): number => slow.filter(isOne).length;
  const starting = count(({ due }) => due < served);
  const goodbyes = count(({ due }) => due >= served && due < left);
  return {
    starting,
    goodbyes,
    later: slow.length - starting - goodbyes,
    total: slow.length,
    sentLate: count((answer) => answer.sent - answer.due > waited(answer) / 2),
  };
}
