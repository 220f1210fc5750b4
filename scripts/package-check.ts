/**
 * What is wrong with the package as others will install it: packs it and gives it to the tools that know
 * how package managers, bundlers and compilers read one. Needs dist/ (`npm run build`).
 *
 *     npm run package:check
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectNode } from './project-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const packedAllowed =
  /^(?:dist\/(?:[^/]+\.js(?:\.map)?|types\/.+\.d\.ts)|docs\/.+\.(?:md|svg|json)|package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE)$/;
const packedNeeded = [
  ...['dist/index.js', 'dist/types/index.d.ts', 'README.md', 'LICENSE'],
  'docs/errors.md', // which errors name
];

/**
 * Bytes that users load and keep: 1,066,000 and 3,885,000 when this was written, with 205,000 and 602,000 of
 * documents.
 */
const packedMax = 1_100_000;
const unpackedMax = 4_000_000;

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function pack(folder: string): Packed | null {
  const flags = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const result = spawnSync('npm', flags, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(`package.json:1: error: npm pack fails\n${result.stderr}`);
    return null;
  }
  const answer = JSON.parse(result.stdout) as Readonly<Record<string, Packed>>;
  return Object.values(answer)[0] ?? null;
}

/** dist/, the documents and what else a user needs, and nothing besides. */
function checkFiles({ files }: Packed): boolean {
  const paths = files.map((file) => file.path);
  const unwanted = paths.filter((path) => !packedAllowed.test(path) || path.includes('.test.'));
  const missing = packedNeeded.filter((path) => !paths.includes(path));
  for (const path of unwanted) console.error(`${path}:1: error: would be published`);
  for (const path of missing) console.error(`${path}:1: error: would not be published`);
  return unwanted.length === 0 && missing.length === 0;
}

/** A package that grows does so on purpose. */
function checkSize({ size, unpackedSize }: Packed): boolean {
  if (size <= packedMax && unpackedSize <= unpackedMax) return true;
  console.error(
    `package.json:1: error: the package has ${size} bytes, unpacked ${unpackedSize}: more than ` +
      `${packedMax} and ${unpackedMax}, which scripts/package-check.ts allows`,
  );
  return false;
}

/** Runs a tool of node_modules; says what it said only if it is not content. */
function isContent(name: string, path: string, flags: readonly string[]): boolean {
  const program = join(root, 'node_modules', path);
  const result = spawnSync(projectNode(), [program, ...flags], { cwd: root, encoding: 'utf8' });
  if (result.status === 0) return true;
  console.error(`package.json:1: error: ${name} finds faults\n${result.stdout}${result.stderr}`);
  return false;
}

const folder = mkdtempSync(join(tmpdir(), 'gnet-pack-'));
try {
  const packed = pack(folder);
  const tarball = join(folder, packed?.filename ?? '');
  const checks = [
    packed !== null && checkFiles(packed),
    packed !== null && checkSize(packed),
    packed !== null && isContent('publint', 'publint/src/cli.js', ['run', tarball, '--strict']),
    // Modules alone: CommonJS programs load them with require(esm).
    packed !== null &&
      isContent('attw', '@arethetypeswrong/cli/dist/index.js', [
        tarball,
        ...['--profile', 'esm-only', '--format', 'ascii'],
      ]),
  ];
  if (checks.includes(false)) process.exitCode = 1;
  else
    console.log(
      `package: ${packed?.files.length} files, ${packed?.size} bytes, publint and attw find nothing`,
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
