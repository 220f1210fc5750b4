import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { notOn } from '../support/driver.ts';
import { temporaryDirectory, text } from '../support/rig.ts';
import { spawnExample } from './spawn-example.ts';

const skip = notOn('node', 'its sockets read without control messages');

test('examples/broker.ts: a worker serves what the broker accepted', skip, async (t) => {
  const sock = join(temporaryDirectory(t), 'broker.sock');
  const worker = await spawnExample('examples/broker.ts', ['--sock', sock, '--upstream', 'worker']);
  t.after(() => worker.stop());
  const broker = await spawnExample('examples/broker.ts', ['--sock', sock]);
  const caller = await RawClient.connect(`127.0.0.1:${broker.port}`);
  const ask = async (question: string): Promise<string> => {
    caller.write(question);
    let answer = '';
    while (!answer.endsWith(question)) answer += text(await caller.readExactly(1));
    return answer;
  };
  const first = await ask('hello');
  assert.match(first, /^process \d+: hello$/);
  await broker.stop();
  assert.equal(await ask('still there?'), first.replace('hello', 'still there?'));
  caller.destroy();
});
