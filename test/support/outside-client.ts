import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** `false` when the program is installed, else why a test that needs it is skipped. */
export function missing(program: string): false | string {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
  return found.status === 0 ? false : `${program} is not installed`;
}

export interface ClientResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a client that was not written here, and feeds it `input`. */
export async function runClient(
  program: string,
  args: readonly string[],
  input: string | Uint8Array = '',
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ClientResult> {
  const child = spawn(program, args, { ...options, stdio: 'pipe' });
  const pieces: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece;
  });
  // A client may end before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(pieces), stderr };
}
