/** Peers that come from a package manager of their own. */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasTool, outputOf } from './command.ts';
import type { Installation } from './peer.ts';

/** Fetching and building something large, before it counts as hanging. */
const INSTALL_TIMEOUT_MS = 600_000;

/** Why it cannot be used; null when it is there. */
export function missingInstallation(installation: Installation): string | null {
  if (statSync(installation.product, { throwIfNoEntry: false }) !== undefined) return null;
  const hint = 'npm run bench:install fetches and builds it';
  return hasTool(installation.tool)
    ? `not installed: ${hint}`
    : `${installation.tool} is missing; with it, ${hint}`;
}

/** Of an npm package in the `node_modules` of a folder. */
export function packageVersion(name: string, folder: string): string {
  const path = join(folder, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

const BUN_MODULES = fileURLToPath(new URL('../peers/bun/node_modules', import.meta.url));

/** Of the peer `bun`, which others of its runtime share; null when that is not installed. */
export function bunProgram(): string | null {
  const [path] = globSync('@oven/bun-*/bin/bun', { cwd: BUN_MODULES });
  return path === undefined ? null : join(BUN_MODULES, path);
}

export function bunVersion(): string {
  return outputOf(bunProgram() ?? 'bun', ['--version']).trim();
}

const DENO_MODULES = fileURLToPath(new URL('../peers/deno/node_modules', import.meta.url));

/** Of the peer `deno`, in the same way. */
export function denoProgram(): string | null {
  const [path] = globSync('@deno/*/deno', { cwd: DENO_MODULES });
  return path === undefined ? null : join(DENO_MODULES, path);
}

/** The first line is `deno 2.9.0 (…)`. */
export function denoVersion(): string {
  return outputOf(denoProgram() ?? 'deno', ['--version']).split(' ')[1] ?? '';
}

export interface InstallStep {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs steps in order; throws with the end of what a failing one printed. */
export function runInstallSteps(steps: readonly InstallStep[]): void {
  for (const { program, args, folder, env } of steps) {
    const result = spawnSync(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      timeout: INSTALL_TIMEOUT_MS,
    });
    if (result.error !== undefined) throw result.error;
    if (result.status !== 0) {
      const printed = `${result.stdout}\n${result.stderr}`.trim();
      throw new Error(`${program} ended with status ${result.status}: ${printed.slice(-600)}`);
    }
  }
}
