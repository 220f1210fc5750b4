/** Runs one work: every case, every round, every peer, in alternating order. */

import { setTimeout as delay } from 'node:timers/promises';
import cEpoll from '../peers/c-epoll/peer.ts';
import type { Case } from './load.ts';
import { describeMachine } from './machine.ts';
import type { Sample } from './metrics.ts';
import type { Peer } from './peer.ts';
import { peakResidentBytes, processTree } from './process-tree.ts';
import type { Progress } from './progress.ts';
import {
  type CaseResult,
  type Failure,
  SCHEMA,
  type Settings,
  type WorkResult,
} from './results.ts';
import { freeEndpoint, ServerProcess } from './server-process.ts';
import { buildStart, measureStart } from './start-load.ts';
import { caseTitle } from './table.ts';
import type { Work } from './work.ts';

const SETTLE_MS = 500;

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
  const cases: CaseResult[] = [];
  for (const one of plan.cases) cases.push(await runCase(plan, one, progress));
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

type Measured = Omit<Sample, 'round'>;

async function measure(plan: Plan, one: Case, peer: Peer): Promise<Measured> {
  const { work, settings } = plan;
  const endpoint = await freeEndpoint(work.protocol);
  if (work.kind === 'start' && endpoint.protocol === 'tcp') {
    const command = peer.server(work.name, endpoint);
    return { peer: peer.name, ...(await measureStart(command, endpoint.port, settings.pinning)) };
  }
  const backend = work.proxied ? await startBackend(settings) : null;
  try {
    const command = peer.server(work.name, endpoint, backend?.endpoint);
    const server = await ServerProcess.start(command, endpoint, settings.pinning.server);
    try {
      // The first of several processes or threads answers before the others are there.
      if (work.serverCores !== undefined) await delay(SETTLE_MS);
      return await offerLoad(plan, one, peer, server, backend);
    } finally {
      await server.stop();
    }
  } finally {
    await backend?.stop();
  }
}

async function offerLoad(
  { work, settings }: Plan,
  one: Case,
  peer: Peer,
  server: ServerProcess,
  backend: ServerProcess | null,
): Promise<Measured> {
  const serverPids = processTree(server.pid);
  const result = await work.load.run({
    work: work.name,
    endpoint: server.endpoint,
    case: one,
    warmupSeconds: settings.warmupSeconds * (peer.warmupFactor ?? 1),
    seconds: settings.seconds,
    serverPids,
    companionPids: backend === null ? [] : processTree(backend.pid),
    cores: settings.pinning.load,
  });
  if (result.requests === 0) throw new Error('nothing came back during the window');
  return { peer: peer.name, ...result, peakMemoryBytes: peakResidentBytes(serverPids) };
}

/** The echo server behind a proxy: the one in C, on the load's core, as a part of the load. */
async function startBackend(settings: Settings): Promise<ServerProcess> {
  const endpoint = await freeEndpoint('tcp');
  cEpoll.build('tcp-echo');
  return ServerProcess.start(cEpoll.server('tcp-echo', endpoint), endpoint, settings.pinning.load);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
