import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { type ContractCases, quietTurns, Skip } from './driver-contract-case.ts';
import type { DriverRig } from './driver-rig.ts';

const title = 'out of descriptors the listener rests, streams are served, and it comes back';
const descriptorsInChild = 96;
const childMark = 'GNET_CONTRACT_LOW_LIMIT';

/** Runs this very case again in a process of its own, with few descriptors. */
async function inChild(): Promise<void> {
  if (process.versions['bun'] ?? process.versions['deno']) {
    throw new Skip("it starts itself again, with options of Node's test runner");
  }
  const file = process.argv[1];
  if (file === undefined) throw new Skip('the test file is not known');
  const args = ['--test-reporter=tap', `--test-name-pattern=${title}`, file];
  const command = `ulimit -n ${descriptorsInChild} && exec "$0" "$@"`;
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const shellArgs = ['-c', command, process.execPath, ...process.execArgv, ...args];
  const output = await new Promise<string>((resolve) => {
    const options = { env: { ...env, [childMark]: '1' } };
    execFile('sh', shellArgs, options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  if (/Exec format error/.test(output)) {
    throw new Skip('another program runs this one, whose own file cannot be started here');
  }
  assert.match(output, /^# pass 1$/m, output);
  assert.match(output, /^# fail 0$/m, output);
}

async function restsAndComesBack(rig: DriverRig): Promise<void> {
  const listener = await rig.listen('tcp4');
  const { peer, stream } = await rig.pair(listener);
  stream.onReceived = (bytes) => rig.send(stream, bytes);
  // These wait in the backlog, with their own descriptors already open.
  const waiting = Array.from({ length: 3 }, () =>
    rig.peers.connect(rig.driver.listenerAddress(listener)),
  );
  await rig.peersUntil(() => waiting.every((late) => late.connected), 'they are connected');
  const giveBack = rig.peers.exhaustDescriptors();
  await rig.until(() => rig.rests.length === 1, 'the listener rests');
  const [rest] = rig.rests;
  assert.equal(rest?.listener, listener);
  assert.equal(rest?.error.code, 'EMFILE');
  assert.ok((rest?.restMs ?? 0) > 0);
  peer.write(Buffer.from('still served'));
  await rig.until(() => peer.receivedBytes === 12, 'the open stream is served');
  assert.equal(await rig.turns(quietTurns), 0, 'a resting listener costs nothing');
  assert.equal(rig.acceptedBy.length, 1);
  // The loop's timer goes off too early once: the listener rests again, for longer.
  rig.driver.startAccepting(listener);
  await rig.until(() => rig.rests.length === 2, 'it rests again');
  assert.ok((rig.rests[1]?.restMs ?? 0) >= (rest?.restMs ?? 0));
  giveBack();
  rig.driver.startAccepting(listener);
  await rig.until(() => rig.acceptedBy.length === 4, 'all who waited are accepted');
  waiting[2]?.write(Buffer.from('here at last'));
  await rig.until(() => rig.streams[3]?.text === 'here at last', 'and served');
}

export const limitCases: ContractCases = {
  async [title](rig) {
    if (rig.peers.exhaustsProcess && process.env[childMark] === undefined) await inChild();
    else await restsAndComesBack(rig);
  },
};
