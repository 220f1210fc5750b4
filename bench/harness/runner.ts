/** Runs one work: every round, every case, every peer, in alternating order. */

import type { Case } from './load.ts';
import { describeMachine } from './machine.ts';
import type { Sample } from './metrics.ts';
import type { Peer } from './peer.ts';
import type { Progress } from './progress.ts';
import {
  type CaseResult,
  type Failure,
  SCHEMA,
  type Settings,
  type WorkResult,
} from './results.ts';
import { freeEndpoint } from './server-process.ts';
import { type Measured, Stage } from './stage.ts';
import { buildStart, measureStart } from './start-load.ts';
import { caseTitle } from './table.ts';
import type { Work } from './work.ts';

export interface Plan {
  readonly work: Work;
  readonly peers: readonly Peer[];
  readonly skipped: WorkResult['skipped'];
  readonly cases: readonly Case[];
  readonly settings: Settings;
}

export function stepsOf(plan: Plan): number {
  return plan.cases.length * plan.peers.length * plan.settings.rounds;
}

/**
 * Builds what can do the work here. A peer that cannot, because a tool is missing or its build
 * fails, is left out with the reason: one peer must not keep the others from being measured. One
 * that has nothing to do with the work is worth a word only when it was asked for by name.
 */
export function preparePeers(
  work: Work,
  peers: readonly Peer[],
  named: boolean,
): Pick<Plan, 'peers' | 'skipped'> {
  const able: Peer[] = [];
  const skipped: { peer: string; reason: string }[] = [];
  for (const peer of peers) {
    if (!named && !peer.works.includes(work.name)) continue;
    const reason = peer.works.includes(work.name)
      ? prepare(peer, work.name)
      : `does not do ${work.name}`;
    if (reason === null) able.push(peer);
    else skipped.push({ peer: peer.name, reason });
  }
  return { peers: able, skipped };
}

/** Why the peer cannot do this work; null when it is ready. */
function prepare(peer: Peer, work: string): string | null {
  const reason = peer.unavailable(work);
  if (reason !== null) return reason;
  try {
    peer.build(work);
    return null;
  } catch (error) {
    return `its build failed: ${textOf(error)}`;
  }
}

export async function runPlan(plan: Plan, progress: Progress): Promise<WorkResult> {
  const { work, peers, settings } = plan;
  work.load.build();
  if (work.kind === 'start') buildStart();
  const cases = plan.cases.map((one): Collected => ({ case: one, samples: [], failures: [] }));
  const { rounds, roundsPerStart = 1 } = settings;
  for (let first = 0; first < rounds; first += roundsPerStart) {
    const stage = new Stage(work, plan.cases, settings);
    try {
      for (let round = first; round < Math.min(rounds, first + roundsPerStart); round++) {
        await runRound(plan, round, stage, cases, progress);
      }
    } finally {
      await stage.stop();
    }
  }
  return {
    schema: SCHEMA,
    work: work.name,
    title: work.title,
    kind: work.kind,
    load: work.load.name,
    measuredAt: new Date().toISOString(),
    machine: describeMachine(),
    settings,
    peers: peers.map((peer) => ({
      name: peer.name,
      title: peer.title,
      versions: peer.versions(),
    })),
    skipped: plan.skipped,
    cases,
  };
}

type Collected = CaseResult & { readonly samples: Sample[]; readonly failures: Failure[] };

async function runRound(
  plan: Plan,
  round: number,
  stage: Stage,
  cases: readonly Collected[],
  progress: Progress,
): Promise<void> {
  const { work, settings } = plan;
  for (const [index, { case: one, samples, failures }] of cases.entries()) {
    // The order turns around each time, so that a slow drift of the machine favours nobody.
    const order = (round + index) % 2 === 0 ? plan.peers : [...plan.peers].reverse();
    for (const peer of order) {
      const title = `${work.title}, ${caseTitle(one)}`;
      progress.step(`${title}, round ${round + 1}/${settings.rounds}: ${peer.name}`);
      try {
        samples.push({ ...(await measure(stage, plan, one, peer)), round });
      } catch (error) {
        const reason = textOf(error);
        failures.push({ peer: peer.name, round, reason });
        progress.note(`${title}: ${peer.name} failed: ${reason}`);
        await stage.drop(peer);
      }
    }
  }
}

async function measure(
  stage: Stage,
  { work, settings }: Plan,
  one: Case,
  peer: Peer,
): Promise<Measured> {
  if (work.kind === 'start') {
    const endpoint = await freeEndpoint(work.protocol);
    if (endpoint.protocol !== 'tcp') throw new Error('start-up is measured over TCP');
    const command = peer.server(work.name, endpoint);
    return { peer: peer.name, ...(await measureStart(command, endpoint.port, settings.pinning)) };
  }
  const measured = await stage.measure(one, peer);
  // What earlier connections left behind would be taken for memory that idle ones need not ask for.
  if (work.kind === 'memory') await stage.drop(peer);
  return measured;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
