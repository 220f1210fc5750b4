/** Echoes over links that lose, delay, repeat and change packets: every byte comes back all the same. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DriverName } from '../../src/driver/contract.ts';
import { makeFamily } from '../../testing/certificates.ts';
import { nodeFlags } from '../support/program.ts';

export interface LinkRun {
  cases: number;
  readonly wrong: string[];
  readonly lines: string[];
}

/** Of the packets, 0..1; `delay` in seconds each way. */
interface BadLink {
  readonly name: string;
  readonly loss: number;
  readonly late: number;
  readonly twice: number;
  readonly changed: number;
  readonly delay: number;
}

export const badLinks: readonly BadLink[] = [
  { name: 'lossy', loss: 0.01, late: 0, twice: 0, changed: 0, delay: 0.001 },
  { name: 'out of order', loss: 0, late: 0.05, twice: 0, changed: 0, delay: 0.002 },
  { name: 'repeating', loss: 0, late: 0, twice: 0.05, changed: 0, delay: 0.001 },
  { name: 'changing', loss: 0, late: 0, twice: 0, changed: 0.01, delay: 0.001 },
  { name: 'all of it', loss: 0.005, late: 0.02, twice: 0.02, changed: 0.005, delay: 0.002 },
];

export interface LinkAmount {
  readonly links: readonly BadLink[];
  /** Each way, over all connections. */
  readonly bytes: number;
  readonly loops: readonly number[];
}

export const wholeAmount: LinkAmount = { links: badLinks, bytes: 200_000_000, loops: [1] };
export const shortAmount: LinkAmount = { links: badLinks.slice(-1), bytes: 2_000_000, loops: [1] };

const connections = 8;
const secondsMax = 3_000;
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Why there can be no such link here, or ''. */
export function noBadLinks(): string {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync('/dev/net/tun');
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    execFileSync('python3', ['-c', 'import socket; socket.send_fds'], { stdio: 'ignore' });
    return '';
  } catch (error) {
    return String((error as Error).message);
  }
}

export async function runBadLinks(
  driver: DriverName,
  { links, bytes, loops }: LinkAmount,
  seed: number,
): Promise<LinkRun> {
  const run: LinkRun = { cases: 0, wrong: [], lines: [] };
  const missing = noBadLinks();
  if (missing !== '') {
    run.lines.push(`left out: ${missing}`);
    return run;
  }
  for (const transport of ['tcp', 'tls'] as const) {
    for (const link of links) {
      for (const count of loops) {
        const name = `${transport}, ${link.name}, ${count} loop(s)`;
        const began = performance.now();
        const { code, output } = await one(driver, link, transport, count, bytes, seed);
        const seconds = ((performance.now() - began) / 1_000).toFixed(0);
        run.cases++;
        run.lines.push(`${name}: ${seconds} s, ${output.trim().split('\n').join(', ')}`);
        if (code !== 0)
          run.wrong.push(`${name}, GNET_SEED=${seed}: it ends with ${code}: ${output}`);
      }
    }
  }
  return run;
}

async function one(
  driver: DriverName,
  link: BadLink,
  transport: 'tcp' | 'tls',
  loops: number,
  bytes: number,
  seed: number,
): Promise<{ code: number | null; output: string }> {
  const { leaf, middle, root } = makeFamily();
  const node = [process.execPath, ...nodeFlags];
  const each = String(Math.ceil(bytes / connections));
  const client = [pathOf('bad-link-client.ts'), transport, String(connections), each, String(seed)];
  const plan = {
    ...link,
    seed,
    seconds: secondsMax,
    server: [...node, pathOf('bad-link-server.ts'), driver, String(loops), transport],
    client: [...node, ...client],
  };
  const secrets = { key: leaf.key, cert: leaf.cert + middle.cert, ca: root.cert };
  const child = spawn('python3', [pathOf('bad-link.py'), JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GNET_LAB_TLS: JSON.stringify(secrets) },
  });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
