/**
 * Results of a part of a work beside what is stored of its other cases: `bench --update`. Each file holds
 * cases of one day, one machine and one version of each server.
 */

import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type CaseResult, fileOf, store, type WorkResult } from './results.ts';

/** Stores what was measured; of the earlier results only the cases stay that were not measured anew. */
export function update(fresh: WorkResult, folder: string): string {
  let result = fresh;
  for (const file of filesOf(fresh.work, folder)) {
    const path = join(folder, file);
    const stored = JSON.parse(readFileSync(path, 'utf8')) as WorkResult;
    const kept = stored.cases.filter((one) => !has(fresh, one.case));
    if (kept.length > 0 && isAlike(stored, fresh)) {
      result = joined(result, { ...stored, cases: kept });
    } else if (kept.length > 0) {
      writeFileSync(path, `${JSON.stringify({ ...stored, cases: kept }, null, 1)}\n`);
      if (file === fileOf(fresh.work)) renameSync(path, join(folder, freeName(stored, folder)));
      continue;
    }
    rmSync(path);
  }
  return store(result, folder);
}

function filesOf(work: string, folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter(
    (name) => name.startsWith(`${work}.`) && name.endsWith('.json'),
  );
}

function has(result: WorkResult, wanted: unknown): boolean {
  return result.cases.some((one) => isDeepStrictEqual(one.case, wanted));
}

/** Figures of both may stand on one page of tables. */
function isAlike(a: WorkResult, b: WorkResult): boolean {
  const facts = ({ schema, load, machine, measuredAt }: WorkResult) => {
    return [schema, load, machine, measuredAt.slice(0, 10)];
  };
  const agree = a.peers.every((peer) => {
    const same = b.peers.find(({ name }) => name === peer.name);
    return same === undefined || isDeepStrictEqual(same, peer);
  });
  return agree && isDeepStrictEqual(facts(a), facts(b));
}

/** The cases of both, each with the settings that it was measured with. */
function joined(fresh: WorkResult, kept: WorkResult): WorkResult {
  const peers = [...fresh.peers];
  for (const peer of kept.peers) {
    if (!peers.some(({ name }) => name === peer.name)) peers.push(peer);
  }
  const skipped = [...fresh.skipped, ...kept.skipped].filter(
    ({ peer }, index, all) =>
      !peers.some(({ name }) => name === peer) &&
      all.findIndex((other) => other.peer === peer) === index,
  );
  const others = kept.cases.map((one): CaseResult => {
    const settings = one.settings ?? kept.settings;
    const { settings: _, ...rest } = one;
    return isDeepStrictEqual(settings, fresh.settings) ? rest : { ...rest, settings };
  });
  const cases = [...others, ...fresh.cases].sort((a, b) => rank(a.case) - rank(b.case));
  return { ...fresh, peers, skipped, cases };
}

function rank({ size, connections, pipeline }: WorkResult['cases'][number]['case']): number {
  return size * 1e9 + connections * 1e4 + pipeline;
}

/** For results that are not the newest ones of their work: with their day, and a number if need be. */
function freeName({ work, measuredAt }: WorkResult, folder: string): string {
  const day = measuredAt.slice(0, 10);
  for (let count = 1; ; count++) {
    const name = fileOf(work, count === 1 ? day : `${day}-${count}`);
    if (!existsSync(join(folder, name))) return name;
  }
}
