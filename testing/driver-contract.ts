/**
 * One suite for every driver: each rule at the head of `src/driver/contract.ts`, over the peers that
 * the driver's test brings along. A new driver runs it in a five-line test.
 */
import { describe, test } from 'node:test';
import { type ContractCases, Skip } from './driver-contract-case.ts';
import { datagramCases } from './driver-contract-datagrams.ts';
import { limitCases } from './driver-contract-limits.ts';
import { listenerCases } from './driver-contract-listeners.ts';
import { outgoingCases } from './driver-contract-outgoing.ts';
import { pausingCases } from './driver-contract-pausing.ts';
import { refusalCases } from './driver-contract-refusals.ts';
import { sendingCases } from './driver-contract-sending.ts';
import { sharingCases } from './driver-contract-sharing.ts';
import { streamCases } from './driver-contract-streams.ts';
import { waitingCases } from './driver-contract-waiting.ts';
import { type DriverFactory, withRig } from './driver-rig.ts';

const groups = {
  waiting: waitingCases,
  listeners: listenerCases,
  streams: streamCases,
  sending: sendingCases,
  pausing: pausingCases,
  outgoing: outgoingCases,
  datagrams: datagramCases,
  refusals: refusalCases,
  sharing: sharingCases,
  limits: limitCases,
} satisfies Readonly<Record<string, ContractCases>>;

export type ContractGroup = keyof typeof groups;
/** What concerns one stream and whoever carries it. */
export const streamGroups: readonly ContractGroup[] = ['streams', 'sending', 'pausing', 'outgoing'];

/** What other runtimes cannot do for a case: for the peers, or for another thread. */
const runtimeSkips: ContractSkips = process.versions['bun']
  ? {
      'closed in order, and the driver right after it: the last bytes and the end arrive':
        "Bun's own socket, the peer here, may say EPIPE for its own end behind ours",
    }
  : process.versions['deno']
    ? {
        'a write to the wake descriptor from another thread ends the wait':
          'Deno writes to descriptors of its own only; loops of other threads are woken by Atomics',
        'and after each of many wakes from another thread':
          'Deno writes to descriptors of its own only; loops of other threads are woken by Atomics',
        'drained: what waits is reported, nothing else is received, answers go out':
          "Deno's own datagram sockets, the peers here, send when nobody can tell",
        'a reader that stops makes sends short; writable follows until all is out':
          "Deno's own sockets, the peers here, go on reading for a while when they are paused",
      }
    : {};

/** Names of cases a driver does not run, each with the reason. */
export type ContractSkips = Readonly<Record<string, string>>;

/**
 * Registers the suite with `node:test`.
 * @param only these groups of it.
 * @throws RangeError when a skip has no reason or names no case.
 */
export function driverContract(
  name: string,
  factory: DriverFactory,
  skips: ContractSkips = {},
  only: readonly ContractGroup[] = Object.keys(groups) as ContractGroup[],
): void {
  checkSkips(skips);
  describe(`the ${name} driver keeps the contract`, () => {
    for (const group of only) {
      const cases: ContractCases = groups[group];
      describe(group, () => {
        for (const [title, given] of Object.entries(cases)) {
          register(title, given, factory, skips[title] ?? runtimeSkips[title]);
        }
      });
    }
  });
}

function register(
  title: string,
  given: ContractCases[string],
  factory: DriverFactory,
  skip: string | undefined,
): void {
  const run = typeof given === 'function' ? given : given.run;
  const readBufferBytes = typeof given === 'function' ? undefined : given.readBufferBytes;
  test(title, skip === undefined ? {} : { skip }, async (context) => {
    try {
      await withRig(factory, run, readBufferBytes);
    } catch (error) {
      if (!(error instanceof Skip)) throw error;
      context.skip(error.message);
    }
  });
}

function checkSkips(skips: ContractSkips): void {
  const titles = Object.values(groups).flatMap((cases) => Object.keys(cases));
  for (const [title, reason] of Object.entries(skips)) {
    if (!titles.includes(title))
      throw new RangeError(`no case of the contract is called: ${title}`);
    if (reason.trim() === '')
      throw new RangeError(`the skip of this case needs a reason: ${title}`);
  }
}
