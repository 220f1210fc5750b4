/** `busyPoll`: a loop looks for events before it sleeps, and nothing of the runtime waits for that. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { serve } from 'gnet';
import { driverName, notOn } from '../support/driver.ts';
import { runProgram } from '../support/program.ts';
import { connect, EchoHandler, startRig, type TestScope, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Half an hour: whatever waits for the end of the looking waits in vain. */
const endless = 2 ** 31 - 1;

async function exchange(t: TestScope, address: string, message: string): Promise<void> {
  const client = await connect(t, address);
  client.write(message);
  assert.equal(text(await client.readExactly(message.length)), message);
  client.end();
  await client.readUntilEnd();
}

/** Threads of a process that run, or would if they had a core. */
function runningThreads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).filter((thread) => {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('R');
    } catch {
      return false; // it has just ended
    }
  }).length;
}

describe('a loop that looks for events for half an hour before it sleeps', () => {
  test('answers, and stops', async (t) => {
    const rig = await startRig(t, new EchoHandler(), { busyPoll: endless });
    for (let count = 0; count < 20; count++) await exchange(t, rig.server.addr, `echo ${count}`);
    await rig.server.stop();
    assert.deepEqual(rig.reports, []);
  });

  test('leaves timers, promises, files and messages of the runtime their turn', async (t) => {
    await startRig(t, new EchoHandler(), { busyPoll: endless });
    for (let round = 0; round < 3; round++) {
      await sleep(3);
      await new Promise((resolve) => setImmediate(resolve));
      assert.match(await readFile(new URL(import.meta.url), 'utf8'), /half an hour/);
      const worker = new Worker("require('worker_threads').parentPort.postMessage(42)", {
        eval: true,
      });
      const message = new Promise((resolve) => worker.once('message', resolve));
      assert.equal(await message, 42);
      await worker.terminate();
    }
  });

  test('keeps its own deadlines', async (t) => {
    let ticks = 0;
    const handler = {
      tick(): number {
        ticks++;
        return 5;
      },
    };
    const options = { busyPoll: endless, ticker: true, idleTimeout: 20 };
    const rig = await startRig(t, handler, options);
    const client = await connect(t, rig);
    await client.untilClosed();
    assert.deepEqual(rig.events.slice(-1), ['closed(ErrTimeout)']);
    await waitUntil(() => ticks >= 3, 'three ticks');
  });

  test('looks for what other servers of its thread have to do', async (t) => {
    for (const busyPolls of [
      [endless, 0],
      [0, endless],
      [endless, endless],
    ]) {
      const rigs = [];
      for (const busyPoll of busyPolls) {
        rigs.push(await startRig(t, new EchoHandler(), { busyPoll }));
      }
      for (const rig of [...rigs, ...rigs]) await exchange(t, rig.server.addr, 'in turn');
      for (const rig of rigs) await rig.server.stop();
    }
  });
});

describe('whether it looks', notOn('node', 'the runtime itself waits'), () => {
  for (const loops of [1, 2]) {
    test(`the threads of ${loops} idle loops run, with busyPoll only`, async (t) => {
      const start = async (busyPoll: number) => {
        const args = [String(loops), String(busyPoll)];
        const program = runProgram(t, 'test/server/programs/busy-poll.ts', args);
        const [address] = await program.line(/^listening on (.*)$/m);
        return { program, address: address as string };
      };
      const asleep = await start(0);
      await waitUntil(() => runningThreads(asleep.program.pid) === 0, 'the idle loops sleep');
      const looking = await start(endless);
      let samples = 0;
      const lookSteadily = (): boolean => {
        samples = runningThreads(looking.program.pid) >= loops ? samples + 1 : 0;
        return samples >= 5;
      };
      await waitUntil(lookSteadily, 'the idle loops look');
      await exchange(t, looking.address, 'still there');
      looking.program.kill('SIGTERM');
      assert.equal((await looking.program.ending()).code, 0);
    });
  }
});

test('where a driver cannot look, the program is told', async (t) => {
  const told: unknown[] = [];
  const nothing = (): void => {};
  const logger = {
    debug: nothing,
    info: (_message: string, fields?: object) => told.push(fields),
    warn: nothing,
    error: nothing,
  };
  const start = async (driver: 'auto' | 'node') => {
    const server = await serve({}, 'tcp://127.0.0.1:0', { driver, busyPoll: 50, logger });
    t.after(() => server.close());
  };
  await start('node');
  assert.deepEqual(told, [{ driver: 'node', options: ['busyPoll'] }]);
  if (driverName === 'node') return;
  await start('auto');
  assert.equal(told.length, 1);
});
