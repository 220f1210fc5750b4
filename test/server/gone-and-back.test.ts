/** Processes that are stopped and go on, that end right after an answer, and peers that just vanish. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { connect, type TestScope, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import type { RawClient } from 'gnet/testing';

async function start(t: TestScope, path: string, args: readonly string[] = []) {
  const program = runProgram(t, path, args);
  const [address = ''] = await program.line(/^listening (\S+)$/m);
  return { program, address };
}

/** Three times as long as the limits of the server. */
const stoppedMs = 1_500;

describe('a process that is stopped for longer than its limits are, and goes on', () => {
  const path = 'test/server/programs/echo-with-limits.ts';

  for (const loops of ['1', '2']) {
    test(`times out nobody who sent meanwhile, with ${loops} loops`, async (t) => {
      const { program, address } = await start(t, path, [loops]);
      const clients: RawClient[] = [];
      for (let count = 0; count < 8; count++) clients.push(await connect(t, address));
      let sent = 0;
      const beat = setInterval(() => {
        sent++;
        for (const client of clients) client.write('beat');
      }, 50);
      t.after(() => clearInterval(beat));
      await sleep(200);
      program.kill('SIGSTOP');
      await sleep(stoppedMs);
      program.kill('SIGCONT');
      await sleep(300);
      clearInterval(beat);
      const answered = (): boolean =>
        clients.every(({ receivedBytes }) => receivedBytes === sent * 4);
      await waitUntil(answered, 'an answer to every beat');
      assert.doesNotMatch(program.output, /closed/);
    });
  }

  test('nor who took what it was sent', async (t) => {
    const { program, address } = await start(t, path, ['1']);
    const client = await connect(t, address);
    client.pauseReading();
    client.write('big');
    await settle(100);
    program.kill('SIGSTOP');
    client.resumeReading();
    await sleep(stoppedMs);
    const before = client.receivedBytes;
    program.kill('SIGCONT');
    await waitUntil(() => client.receivedBytes === 8_388_608, 'the whole answer');
    assert.ok(before < 8_388_608, 'some of it waited in the process');
    assert.doesNotMatch(program.output, /closed/);
  });
});

test('a process that exits right after an answer: the answer arrives', async (t) => {
  const { program, address } = await start(t, 'test/server/programs/answers-and-exits.ts');
  const client = await connect(t, address);
  client.pauseReading();
  client.write('go');
  assert.equal((await program.ending()).code, 0);
  client.resumeReading();
  assert.equal((await client.readUntilEnd()).length, 200_000);
});

const networks = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up'], {
  encoding: 'utf8',
});
const noNetworks = networks.status !== 0 && 'no network of its own can be made here';

test('keep-alive finds peers that vanished, half closed or not', {
  skip: noNetworks,
}, async (t) => {
  const args = ['-n', process.execPath, ...nodeFlags, 'test/server/programs/dead-peers.ts'];
  const program = new Program(t, 'unshare', args, {});
  const { code, output } = await program.ending();
  assert.equal(code, 0, output);
  const lines = text(Buffer.from(output)).trim().split('\n').sort();
  assert.deepEqual(lines.slice(0, 2), ['closed half closed ETIMEDOUT', 'closed open ETIMEDOUT']);
  assert.ok(lines.includes('connections 0'), output);
});
