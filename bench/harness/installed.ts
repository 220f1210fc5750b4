/** Peers that come from a package manager of their own. */

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { hasTool } from './command.ts';
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
