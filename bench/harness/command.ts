/** Programs that the benchmark starts: finding, building, running to the end. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, renameSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the environment of the benchmark. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The repository; servers start here. */
export const PROJECT_FOLDER = fileURLToPath(new URL('../../', import.meta.url));
/** Generated binaries; ignored by git. */
export const BUILD_FOLDER = fileURLToPath(new URL('../build/', import.meta.url));

export function hasTool(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What a program prints on its standard output. Throws with its standard error when it fails. */
export function outputOf(program: string, args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${program} ended with status ${result.status}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}

const COMPILERS = ['cc', 'gcc', 'clang'];

/** The C compiler of this machine, if it has one. */
export function compiler(): string | null {
  return COMPILERS.find(hasTool) ?? null;
}

/** Whether a C program can include this header. */
export function hasHeader(header: string): boolean {
  const found = compiler();
  if (found === null) return false;
  const args = ['-E', '-x', 'c', '-include', header, '/dev/null', '-o', '/dev/null'];
  return spawnSync(found, args, { stdio: 'ignore' }).status === 0;
}

export function compilerVersion(): string {
  return outputOf(requireCompiler(), ['--version']).split('\n')[0] ?? 'unknown';
}

/** Compiles C sources into `bench/build/<name>`, unless that is newer than all of `inputs`. */
export function compileC(
  name: string,
  sources: readonly string[],
  inputs = sources,
  libraries: readonly string[] = [],
): string {
  mkdirSync(BUILD_FOLDER, { recursive: true });
  const target = join(BUILD_FOLDER, name);
  const built = statSync(target, { throwIfNoEntry: false });
  if (built === undefined || inputs.some((input) => statSync(input).mtimeMs > built.mtimeMs)) {
    const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra'];
    // Renamed when it is whole: another run may be starting the same binary right now.
    const unfinished = `${target}.${process.pid}`;
    outputOf(requireCompiler(), [...flags, '-o', unfinished, ...sources, ...libraries]);
    renameSync(unfinished, target);
  }
  return target;
}

function requireCompiler(): string {
  const found = compiler();
  if (found === null) throw new Error(`no C compiler: none of ${COMPILERS.join(', ')} is there`);
  return found;
}

/** The environment of everything that is measured: production, nothing from a test runner. */
export function environment(command: Command): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  delete inherited['NODE_OPTIONS'];
  delete inherited['NODE_TEST_CONTEXT'];
  return { ...inherited, NODE_ENV: 'production', ...command.env };
}
