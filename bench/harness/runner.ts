/** Runs one work: every case, every round, every peer, in alternating order. */

import type { Case } from './load.ts';
import { describeMachine } from './machine.ts';
import type { Peer } from './peer.ts';
import type { Progress } from './progress.ts';
import {
  type CaseResult,
  type Failure,
  type Sample,
  SCHEMA,
  type Settings,
  type WorkResult,
} from './results.ts';
import { freeEndpoint, ServerProcess } from './server-process.ts';
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
 * fails, is left out with the reason: one peer must not keep the others from being measured.
 */
export function preparePeers(work: Work, peers: readonly Peer[]): Pick<Plan, 'peers' | 'skipped'> {
  const able: Peer[] = [];
  const skipped: { peer: string; reason: string }[] = [];
  for (const peer of peers) {
    const reason = peer.works.includes(work.name) ? prepare(peer) : `does not do ${work.name}`;
    if (reason === null) able.push(peer);
    else skipped.push({ peer: peer.name, reason });
  }
  return { peers: able, skipped };
}

/** Why the peer cannot run; null when it is ready. */
function prepare(peer: Peer): string | null {
  const reason = peer.unavailable();
  if (reason !== null) return reason;
  try {
    peer.build();
    return null;
  } catch (error) {
    return `its build failed: ${textOf(error)}`;
  }
}

export async function runPlan(plan: Plan, progress: Progress): Promise<WorkResult> {
  const { work, peers, settings } = plan;
  work.load.build();
  const cases: CaseResult[] = [];
  for (const one of plan.cases) cases.push(await runCase(plan, one, progress));
  return {
    schema: SCHEMA,
    work: work.name,
    title: work.title,
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

async function runCase(plan: Plan, one: Case, progress: Progress): Promise<CaseResult> {
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  for (let round = 0; round < plan.settings.rounds; round++) {
    // The order turns around each time, so that a slow drift of the machine favours nobody.
    const order = round % 2 === 0 ? plan.peers : [...plan.peers].reverse();
    for (const peer of order) {
      const title = `${plan.work.title}, ${caseTitle(one)}`;
      progress.step(`${title}, round ${round + 1}/${plan.settings.rounds}: ${peer.name}`);
      try {
        samples.push({ ...(await measure(plan, one, peer)), round });
      } catch (error) {
        const reason = textOf(error);
        failures.push({ peer: peer.name, round, reason });
        progress.note(`${title}: ${peer.name} failed: ${reason}`);
      }
    }
  }
  return { case: one, samples, failures };
}

async function measure(plan: Plan, one: Case, peer: Peer): Promise<Omit<Sample, 'round'>> {
  const { work, settings } = plan;
  const endpoint = await freeEndpoint(work.protocol);
  const command = peer.server(work.name, endpoint);
  const server = await ServerProcess.start(command, endpoint, settings.pinning.server);
  try {
    const result = await work.load.run({
      work: work.name,
      endpoint,
      case: one,
      warmupSeconds: settings.warmupSeconds,
      seconds: settings.seconds,
      serverPid: server.pid,
      cores: settings.pinning.load,
    });
    return { peer: peer.name, ...result, peakMemoryBytes: server.peakMemory() };
  } finally {
    await server.stop();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
