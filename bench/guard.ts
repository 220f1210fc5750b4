/**
 * `npm run bench:guard -- --base REV`: is the working tree slower than a revision of it? Fails only
 * on a difference beyond the noise that it measured itself. See docs/benchmarks.md.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { outputOf, PROJECT_FOLDER } from './harness/command.ts';
import { gnetPeer } from './harness/gnet-peer.ts';
import { BASE, BASE_AGAIN, judge, TREE, type Verdict } from './harness/guard.ts';
import type { Case } from './harness/load.ts';
import { KINDS, type Metric } from './harness/metrics.ts';
import { choosePinning } from './harness/pinning.ts';
import { Progress } from './harness/progress.ts';
import { preparePeers, runPlan } from './harness/runner.ts';
import { caseTitle, ratioText } from './harness/table.ts';
import { WORKS, type Work } from './harness/work.ts';

const USAGE = `npm run bench:guard -- --base REV [options]

Measures the working tree beside a revision of it, in alternating rounds of fresh processes, and
the revision beside itself, which shows the noise. A case is slower when the whole interval of its
ratio lies beyond that noise, and again when it is measured a second time.

  --base REV     what to compare with, as git names it; required
  --only LIST    of tcp-echo, unix-echo, udp-echo, length-field-echo, http-plaintext, resp,
                 connection-rate, idle-memory, start-up (all)
  --driver NAME  instead of the one that the framework chooses
  --rounds N     times that each is measured (7)
  --seconds S    length of a measured window (1)
  --warmup S     load on a fresh server, shared by its cases (2)
  --help         this text

Exit status: 0 nothing is slower, 1 something is, 2 wrong usage or no figures.
`;

const OPTIONS = {
  base: { type: 'string' },
  only: { type: 'string' },
  driver: { type: 'string' },
  rounds: { type: 'string', default: '7' },
  seconds: { type: 'string', default: '1' },
  warmup: { type: 'string', default: '2' },
  help: { type: 'boolean', default: false },
} as const;

/** A case for each way through the code: small and large, cut frames, datagrams, real protocols. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  'tcp-echo': [
    { size: 64, connections: 1, pipeline: 1 },
    { size: 64, connections: 100, pipeline: 1 },
    { size: 65_536, connections: 16, pipeline: 1 },
    { size: 1_048_576, connections: 100, pipeline: 1 },
  ],
  'unix-echo': [{ size: 64, connections: 100, pipeline: 1 }],
  'udp-echo': [{ size: 64, connections: 16, pipeline: 8 }],
  'length-field-echo': [{ size: 64, connections: 100, pipeline: 16 }],
  'http-plaintext': [
    { size: 0, connections: 64, pipeline: 1 },
    { size: 0, connections: 64, pipeline: 16 },
  ],
  resp: [{ size: 0, connections: 50, pipeline: 16, command: 'GET' }],
  'connection-rate': [{ size: 64, connections: 64, pipeline: 1 }],
  'idle-memory': [{ size: 64, connections: 18_000, pipeline: 1 }],
  'start-up': [{ size: 64, connections: 1, pipeline: 1 }],
};

/** Load of the same case right before a window. */
const SETTLE_SECONDS = 0.2;

interface GuardSettings {
  readonly driver: string | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly settleSeconds: number;
}

/** The files of a revision in a folder of their own; nothing is left in the repository. */
function checkOut(revision: string): string {
  const commit = outputOf('git', ['-C', PROJECT_FOLDER, 'rev-parse', `${revision}^{commit}`]);
  const folder = mkdtempSync(join(tmpdir(), 'gnet-guard-'));
  const archive = join(folder, 'revision.tar');
  outputOf('git', ['-C', PROJECT_FOLDER, 'archive', '-o', archive, commit.trim()]);
  outputOf('tar', ['-xf', archive, '-C', folder]);
  rmSync(archive);
  installInto(folder);
  return folder;
}

/** Takes the installed packages of the working tree when the revision wants the same ones. */
function installInto(folder: string): void {
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8');
  const ours = join(PROJECT_FOLDER, 'node_modules');
  if (existsSync(ours) && lock(folder) === lock(PROJECT_FOLDER)) {
    symlinkSync(ours, join(folder, 'node_modules'));
    return;
  }
  console.log('installing the packages of the base ...');
  const args = ['ci', '--ignore-scripts', '--omit=dev'];
  const result = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`npm ci of the base failed: ${result.stderr}`);
}

/** Every case of a work with a word about it; undefined where there are no figures. */
async function measure(work: Work, cases: readonly Case[], base: string, with_: GuardSettings) {
  // Asked for by the environment, not of the peers: those refuse a driver that is taken anyway.
  if (with_.driver !== undefined) process.env['GNET_DRIVER'] = with_.driver;
  const candidates = [
    gnetPeer({ name: TREE, title: 'the working tree' }),
    gnetPeer({ name: BASE, title: 'the base', root: base }),
    gnetPeer({ name: BASE_AGAIN, title: 'the base again', root: base }),
  ];
  const { peers, skipped } = preparePeers(work, candidates, true);
  const missing = work.load.unavailable() ?? skipped[0]?.reason ?? null;
  if (missing !== null) {
    console.log(`skipping ${work.name}: ${missing}`);
    return [];
  }
  const settings = { ...with_, pinning: choosePinning() };
  const progress = new Progress(process.stdout, cases.length * peers.length * with_.rounds);
  const result = await runPlan({ work, peers, skipped, cases, settings }, progress);
  progress.clear();
  const counts = KINDS[work.kind].columns[0]!;
  return result.cases.map((one) => {
    const verdict = judge(one, counts);
    const reason = one.failures[0]?.reason ?? 'rounds are missing';
    const text = verdict === null ? `no figures: ${reason}` : verdictText(verdict, counts);
    console.log(`${work.title}, ${caseTitle(one.case)}: ${text}`);
    return { case: one.case, verdict };
  });
}

function verdictText({ change, noise, outcome }: Verdict, { title }: Metric): string {
  return `${outcome}, ${title} ${ratioText(change)}, noise up to ${noise.toFixed(2)}x`;
}

/** Status of the process. */
async function guard(base: string, works: readonly Work[], with_: GuardSettings): Promise<number> {
  let status = 0;
  let measured = 0;
  for (const work of works) {
    for (const first of await measure(work, CASES[work.name] ?? [], base, with_)) {
      if (first.verdict === null) status = 2;
      else measured += 1;
      if (first.verdict?.outcome !== 'slower') continue;
      console.log('  once more, to be sure:');
      const [second] = await measure(work, [first.case], base, with_);
      if (second?.verdict?.outcome === 'slower') status = Math.max(status, 1);
    }
  }
  return measured === 0 ? 2 : status;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const names = values.only?.split(',') ?? Object.keys(CASES);
  const unknown = names.find((name) => CASES[name] === undefined);
  const settings = {
    driver: values.driver,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    warmupSeconds: Number(values.warmup),
    settleSeconds: SETTLE_SECONDS,
  };
  const { rounds, seconds, warmupSeconds } = settings;
  const right = Number.isInteger(rounds) && rounds >= 1 && seconds > 0 && warmupSeconds >= 0;
  if (values.base === undefined || unknown !== undefined || !right) {
    console.error(unknown === undefined ? USAGE : `--only: '${unknown}' is unknown; see --help`);
    process.exitCode = 2;
    return;
  }
  const folder = checkOut(values.base);
  try {
    const works = WORKS.filter((work) => names.includes(work.name));
    process.exitCode = await guard(folder, works, settings);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
});
