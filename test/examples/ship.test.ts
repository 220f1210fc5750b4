import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { runProgram } from '../support/program.ts';

const lines = 400;
const cuts = 5;

test('examples/ship.ts loses no line, though its server breaks off', async (t) => {
  const seen = new Set<string>();
  let cutsMade = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    let broken = false;
    createInterface({ input: socket }).on('line', (line) => {
      if (broken) return;
      if (cutsMade < cuts && seen.size >= (cutsMade + 1) * 50) {
        broken = true;
        cutsMade++;
        socket.resetAndDestroy();
        return;
      }
      seen.add(line);
      socket.write('ok\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const program = runProgram(t, 'examples/ship.ts', ['--upstream', upstream], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const sent = Array.from({ length: lines }, (_, at) => `line ${at}`);
  program.child.stdin?.end(`${sent.join('\n')}\n`);
  const { code, output } = await program.ending();
  assert.equal(code, 0, output);
  assert.deepEqual([...seen].sort(), [...sent].sort());
  assert.equal(cutsMade, cuts);
  assert.match(output, /^400 lines were shipped, over 6 connections$/m);
});
