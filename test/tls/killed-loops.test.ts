/** What a thread of loops that is terminated held of OpenSSL is freed by the main thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { loadEngine } from '../../src/connection/tls/load-engine.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';
import { connectTls, family, identity, readBytes } from './tls-rig.ts';

const { engine } = (await loadEngine()).about;
const skip = engine === 'node:tls' && 'the runtime frees its own';
const clientCount = 24;

test('a thread that is terminated leaves no object of OpenSSL', { skip }, async (t) => {
  const { freedObjects } = await import('../../src/tls/openssl/dead-thread-objects.ts');
  const { server } = await startLoops(t, handlerModule('sticks.ts'), {
    numEventLoop: 2,
    tls: { ...identity, contexts: { 'a.test': { key: family.leaf.key, cert: identity.cert } } },
  });
  const stuck: TLSSocket[] = [];
  for (let count = 0; count < clientCount || stuck.length === 0; count++) {
    const socket = await connectTls(t, server.addr);
    if ((await readBytes(socket, 1)).toString() === '0') stuck.push(socket);
  }
  const before = { ...freedObjects };
  stuck[0]?.write('stick');
  const { undone } = await server.stop({ timeout: 200 });
  assert.equal(undone?.lostLoops, 1);
  await waitUntil(() => freedObjects.session > before.session, 'what it held is freed');
  // The other thread has ended in order: of that one only what belongs to the thread itself is left.
  await waitUntil(() => freedObjects.bio === before.bio + 4, 'both threads are over');
  assert.equal(freedObjects.session - before.session, stuck.length);
  assert.equal(freedObjects.context - before.context, 2, 'one for each name');
});
