/**
 * Every check of the repository in one command, one step after another. A step that fails does not
 * stop the ones behind it; any failure makes the command fail.
 *
 *     npm run check
 *     npm run check -- --no-tests     without the last step, for a quick look
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { projectNode } from './project-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Step {
  readonly name: string;
  /** Whether it passed; what is wrong has been printed by then. */
  readonly run: () => boolean;
}

/** Runs a script of package.json, so that what a step does is said in one place. */
function script(name: string, ...args: readonly string[]): Step {
  return {
    name,
    run: () => {
      const options = { cwd: root, stdio: 'inherit' } as const;
      return spawnSync(projectNode(), ['--run', name, '--', ...args], options).status === 0;
    },
  };
}

const steps: readonly Step[] = [
  script('types'),
  script('lint'),
  script('format:check'),
  script('layers'),
  script('unused'),
  script('layouts'),
  script('build'),
  script('package:check'),
  script('api', '--check'),
  script('test'),
];

const wanted = process.argv.includes('--no-tests')
  ? steps.filter((step) => step.name !== 'test')
  : steps;

const summary: string[] = [];
let failures = 0;
for (const { name, run } of wanted) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  const passed = run();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  if (!passed) failures += 1;
  summary.push(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds} s)`);
}

console.log(
  `\n== ${failures === 0 ? 'every check passed' : `${failures} of ${wanted.length} checks failed`}`,
);
for (const line of summary) console.log(line);
if (failures > 0) process.exitCode = 1;
