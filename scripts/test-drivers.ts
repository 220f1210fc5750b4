/**
 * Runs the tests that open sockets on every driver, one after the other, and on the older versions
 * of Node that the node driver is for. Tests that have no meaning on a driver skip themselves.
 *
 *     npm run test:drivers
 *     npm run test:drivers -- node io_uring      only the lanes whose name contains one of these
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { olderMajors, otherNode } from './other-node.ts';
import { projectNode } from './project-node.ts';

interface Lane {
  readonly name: string;
  readonly args: readonly string[];
  /** Undefined: this project's own. */
  readonly major?: number;
}

/** What depends on the driver. Examples and benchmarks are for the newest Node only. */
const everywhere = [
  'test/server/',
  'test/loop/',
  'test/regressions/',
  'test/worker/',
  'test/threads/',
];
const newest = [...everywhere, 'test/examples/', 'test/soak-small', 'examples/'];

const lanes: readonly Lane[] = [
  ...['epoll', 'io_uring', 'node'].map((driver) => ({
    name: driver,
    args: ['--driver', driver, ...newest],
  })),
  ...olderMajors.map((major) => ({
    name: `node on Node ${major}`,
    major,
    // What Node 22 cannot parse: `await using`.
    args: [
      '--driver',
      'node',
      'src/driver/node.contract',
      ...everywhere,
      ...(major < 24 ? ['!test/server/host-loop'] : []),
    ],
  })),
  {
    name: 'epoll with koffi on Node 24',
    major: 24,
    args: ['--driver', 'epoll', 'src/driver/epoll.contract', ...everywhere],
  },
];

function run(lane: Lane): 'passed' | 'FAILED' | 'skipped: that Node cannot be installed here' {
  const args = [fileURLToPath(new URL('test.ts', import.meta.url)), ...lane.args];
  if (lane.major !== undefined) {
    const node = otherNode(lane.major);
    if (node === undefined) return 'skipped: that Node cannot be installed here';
    args.push('--node', node);
  }
  return spawnSync(projectNode(), args, { stdio: 'inherit' }).status === 0 ? 'passed' : 'FAILED';
}

const filters = process.argv.slice(2);
const wanted = lanes.filter(
  ({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)),
);
const summary: string[] = [];
for (const lane of wanted) {
  console.log(`\n== ${lane.name}`);
  const outcome = run(lane);
  summary.push(`${outcome}  ${lane.name}`);
  if (outcome === 'FAILED') process.exitCode = 1;
}
console.log('\n== drivers');
for (const line of summary) console.log(line);
