/** New certificates without a restart. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeFamily } from '../../testing/certificates.ts';
import { codeOf, EchoHandler, startRig, type TestScope } from '../support/rig.ts';
import { rejection } from '../support/client-rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';
import {
  connectTls,
  family,
  identity,
  readBytes,
  secure,
  startTls,
  writeFiles,
} from './tls-rig.ts';

const renewed = makeFamily();
const newIdentity = {
  key: renewed.leaf.key,
  cert: renewed.leaf.cert + renewed.middle.cert,
  ca: renewed.root.cert,
};

/** The serial number of the certificate that a new connection is shown. */
async function serial(t: TestScope, address: string): Promise<string> {
  const socket = await connectTls(t, address, { rejectUnauthorized: false });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber.toLowerCase();
}

/** So many connections one after the other are shown the new certificate. */
async function untilSeen(t: TestScope, address: string, times: number): Promise<void> {
  let seen = 0;
  for (let tries = 0; tries < 400 && seen < times; tries++) {
    seen = (await serial(t, address)) === newSerial ? seen + 1 : 0;
    if (seen === 0) await settle();
  }
  assert.equal(seen, times, 'the new certificate');
}

const oldSerial = family.leaf.serial.toString('hex');
const newSerial = renewed.leaf.serial.toString('hex');

describe('setTls', () => {
  test('new connections see the new certificate, open ones go on', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const open = await connectTls(t, rig.server.addr);
    assert.equal(await serial(t, rig.server.addr), oldSerial);
    await rig.server.setTls(newIdentity);
    assert.equal(await serial(t, rig.server.addr), newSerial);
    open.write('still');
    assert.equal((await readBytes(open, 5)).toString(), 'still');
  });

  test('a connection that came before and says hello after gets the new one', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const early = connectPlain(Number(rig.server.addr.split(':').at(-1)), '127.0.0.1');
    t.after(() => early.destroy());
    await waitUntil(() => rig.server.countConnections() === 1, 'accepted');
    await rig.server.setTls(newIdentity);
    const socket = secure(t, early, { ca: newIdentity.ca });
    await once(socket, 'secureConnect');
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
  });

  test('what is wrong is refused, and nothing changes; a plain server has none', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const wrong = { ...newIdentity, key: identity.key };
    assert.equal(codeOf(await rejection(rig.server.setTls(wrong))), 'ErrInvalidOption');
    assert.equal(await serial(t, rig.server.addr), oldSerial);
    const plain = await startRig(t, new EchoHandler());
    assert.equal(codeOf(await rejection(plain.server.setTls(newIdentity))), 'ErrUnsupportedOp');
  });

  test('on several loops', async (t) => {
    const options = { numEventLoop: 2, tls: identity };
    const { server } = await startLoops(t, handlerModule('loops.ts'), options);
    await server.setTls(newIdentity);
    await untilSeen(t, server.addr, 4);
  });

  test('reload follows the files, and waits for the second one of a pair', async (t) => {
    const files = writeFiles(t);
    const own = { cert: files.cert, key: files.key, ca: files.ca, reload: true };
    const rig = await startRig(t, new EchoHandler(), { tls: own }, 'tls://127.0.0.1:0');
    assert.equal(await serial(t, rig.server.addr), oldSerial);
    const put = (name: string, text: string): void => {
      writeFileSync(join(files.directory, 'new'), text);
      renameSync(join(files.directory, 'new'), join(files.directory, name));
    };
    put('cert.pem', newIdentity.cert);
    const warned = () =>
      rig.reports.find(({ level, err }) => level === 'warn' && err !== undefined);
    await waitUntil(() => warned() !== undefined, 'the halves do not fit');
    assert.equal(codeOf(warned()?.err), 'ErrInvalidOption');
    assert.equal(await serial(t, rig.server.addr), oldSerial);
    put('key.pem', newIdentity.key);
    await untilSeen(t, rig.server.addr, 1);
  });
});
