/**
 * What a server holds when its clients do their worst, beside the formula of docs/security.md. Resident
 * memory is measured by the system, in a process of its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RawClient } from 'gnet/testing';
import { driverName } from '../support/driver.ts';
import { type Program, runProgram } from '../support/program.ts';
import type { TestScope } from '../support/rig.ts';
import { settle } from '../support/wait-until.ts';

const KIBIBYTE = 1_024;
const MEBIBYTE = 1_048_576;

/** As docs/security.md has it. */
const INBOUND_FACTOR = 2.5;
const FIXED_KIBIBYTES = driverName === 'node' ? 320 : 160;
/** What a process takes for its own code and heap while it serves many connections at all. */
const SLACK_MEBIBYTES = 32;

interface Load {
  readonly kind: 'inbound' | 'promises' | 'readers';
  readonly connections: number;
  readonly inbound: number;
  readonly outbound: number;
  readonly sent: number;
}

const loads: readonly Load[] = [
  { kind: 'inbound', connections: 100, inbound: MEBIBYTE, outbound: 131_072, sent: 1_040_000 },
  { kind: 'promises', connections: 400, inbound: 65_536, outbound: 4_096, sent: 60_000 },
  { kind: 'readers', connections: 400, inbound: 65_536, outbound: 12_288, sent: 0 },
];

function memory(program: Program, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / KIBIBYTE;
}

async function fill(t: TestScope, address: string, load: Load): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: load.connections }, () => RawClient.connect(address)),
  );
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  if (load.kind === 'readers') for (const client of clients) client.pauseReading();
  // In pieces and in turns, so that all of them grow together; a frame for a promise in one.
  const piece = Buffer.alloc(load.kind === 'promises' ? load.sent : 20_000, 'x');
  for (let sent = 0; sent < load.sent; sent += piece.length) {
    await Promise.all(clients.map((client) => client.send(piece)));
  }
}

describe('memory', {
  skip: process.platform !== 'linux' && 'resident memory is read in /proc',
}, () => {
  for (const load of loads) {
    test(`${load.connections} connections, ${load.kind}: within the formula`, async (t) => {
      const { connections, inbound, outbound } = load;
      const args = [load.kind, `${inbound}`, `${outbound}`];
      const program = runProgram(t, 'test/server/programs/memory.ts', args);
      const [address] = (await program.line(/^listening on (\S+)$/m)) as [string];
      const before = memory(program, 'VmRSS');
      await fill(t, address, load);
      let last = 0;
      for (let now = memory(program, 'VmHWM'); now > last; now = memory(program, 'VmHWM')) {
        last = now;
        await settle(300);
      }
      const each = INBOUND_FACTOR * inbound + outbound + FIXED_KIBIBYTES * KIBIBYTE;
      const promised = (connections * each) / MEBIBYTE + SLACK_MEBIBYTES;
      const took = last - before;
      t.diagnostic(`took ${took.toFixed(0)} MiB, promised ${promised.toFixed(0)} MiB`);
      assert.ok(took <= promised, `took ${took} MiB, promised ${promised} MiB`);
    });
  }

  test('docs/security.md has this formula', () => {
    const page = fileURLToPath(new URL('../../docs/security.md', import.meta.url));
    const text = readFileSync(page, 'utf8');
    assert.ok(text.includes('maxConnections × (2.5 × maxInboundBytes + maxOutboundBytes + F)'));
    assert.match(text, /F is 160 KiB; with the driver `node` it is 320 KiB/);
  });
});
