/** A loop's number and what loops share, in every mode of several loops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrUnsupportedOp, type EventLoop } from 'gnet';
import { connect } from '../support/rig.ts';
import { runProgram } from '../support/program.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

/** Connects until each of two loops has answered; the answers by their loops. */
async function answersOf(t: Parameters<typeof connect>[0], address: string): Promise<string[][]> {
  const answers: string[][] = [];
  for (let count = 0; count < 40 && answers.length < 2; count++) {
    const client = await connect(t, address);
    const line = String(await client.readExactly(7))
      .trimEnd()
      .split(' ');
    if (!answers.some(([loop]) => loop === line[0])) answers.push(line);
    if (count > 8) break;
  }
  return answers.sort();
}

for (const reusePort of [false, true]) {
  test(`a handler module knows its number, and all share (reusePort: ${reusePort})`, async (t) => {
    const shared = new SharedArrayBuffer(4);
    const module = handlerModule('sees-loops.ts');
    const { server } = await startLoops(t, module, { numEventLoop: 2, reusePort, shared });
    const answers = await answersOf(t, server.addr);
    for (const [, same] of answers) assert.equal(same, 'true');
    assert.ok((new Int32Array(shared)[0] ?? 0) >= answers.length);
    assert.equal(server.shared, shared);
  });
}

test('a program knows its number from its first line, and all share', async (t) => {
  const program = runProgram(t, 'test/worker/programs/sees-loops.ts', [], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [address = ''] = await program.line(/^listening (.*) here false,false$/m);
  const client = await connect(t, address);
  assert.match(String(await client.readExactly(9)), /^[01] true \d\n$/);
  program.child.stdin?.write('x');
  await program.line(/^counted [1-9]/m);
});

test('what is to be done on a loop of another thread is refused by name', async (t) => {
  const { server } = await startLoops(t, handlerModule('echo.ts'), { numEventLoop: 2 });
  const [loop] = server.loops as readonly [EventLoop, ...EventLoop[]];
  assert.deepEqual(
    server.loops.map(({ index, isHere }) => [index, isHere]),
    [
      [0, false],
      [1, false],
    ],
  );
  assert.throws(() => loop.execute(() => {}), ErrUnsupportedOp);
  assert.throws(() => loop.schedule(1, () => {}), ErrUnsupportedOp);
  assert.throws(() => loop.connections(), ErrUnsupportedOp);
  await assert.rejects(loop.register('tcp://127.0.0.1:1'), ErrUnsupportedOp);
});
