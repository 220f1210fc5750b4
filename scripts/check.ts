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
function script(name: string): Step {
  return {
    name,
    run: () => {
      const options = { cwd: root, stdio: 'inherit' } as const;
      return spawnSync(projectNode(), ['--run', name], options).status === 0;
    },
  };
}

const packedAllowed =
  /^(?:dist\/(?:[^/]+\.js(?:\.map)?|types\/.+\.d\.ts)|package\.json|README\.md|LICENSE)$/;

/** What npm would publish: dist/, the readme and the licence, and nothing else. */
function checkPackage(): boolean {
  const result = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(`package.json:1: error: npm pack fails\n${result.stderr}`);
    return false;
  }
  const [packed] = Object.values(
    JSON.parse(result.stdout) as Record<string, { files: readonly { path: string }[] }>,
  );
  const paths = (packed?.files ?? []).map((file) => file.path);
  const unwanted = paths.filter((path) => !packedAllowed.test(path) || path.includes('.test.'));
  const missing = ['dist/index.js', 'dist/types/index.d.ts', 'README.md', 'LICENSE'].filter(
    (path) => !paths.includes(path),
  );
  for (const path of unwanted) console.error(`${path}:1: error: would be published`);
  for (const path of missing) console.error(`${path}:1: error: would not be published`);
  if (paths.length > 0) console.log(`package: ${paths.length} files`);
  return unwanted.length === 0 && missing.length === 0;
}

const steps: readonly Step[] = [
  script('types'),
  script('lint'),
  script('format:check'),
  script('layers'),
  script('unused'),
  script('layouts'),
  script('build'),
  { name: 'package', run: checkPackage },
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
