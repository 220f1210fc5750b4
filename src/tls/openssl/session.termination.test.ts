/** Threads that are terminated in the middle of handshakes: the process must not notice. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const repository = new URL('../../../', import.meta.url);
const at = (path: string): string =>
  JSON.stringify(pathToFileURL(fileURLToPath(new URL(path, repository))).href);

const worker = `
import { parentPort } from 'node:worker_threads';
import { makeFamily } from ${at('testing/certificates.ts')};
import { clientEnd, contextPair, exchange, serverEnd } from ${at('testing/tls-end.ts')};
const family = makeFamily();
const contexts = contextPair(family, { protocols: ['h2'], keylog: () => {} }, { protocols: ['h2'] });
for (let count = 0; ; count++) {
  const [server, client] = [serverEnd(contexts.server), clientEnd(contexts.client)];
  exchange(client, server);
  if (!client.open) throw new Error('no handshake');
  client.free();
  server.free();
  if (count === 3) parentPort.postMessage('running');
}`;

const program = `
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
for (let round = 0; round < 5; round++) {
  const worker = new Worker(url);
  await once(worker, 'message');
  await new Promise((resolve) => setTimeout(resolve, round));
  await worker.terminate();
}
const last = new Worker(url);
await once(last, 'message');
process.exit(0);
`;

test('a process outlives threads that it terminates, and ends in the middle of them', () => {
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, '--input-type=module', '--eval', program];
  const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(signal, null, stderr);
  assert.equal(status, 0, stderr);
});
