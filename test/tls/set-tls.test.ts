/** New certificates without a restart. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeFamily } from '../../testing/certificates.ts';
import { codeOf, EchoHandler, startRig, type TestScope } from '../support/rig.ts';
import { rejection } from '../support/client-rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';
import {
  beginTls,
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

test('a handshake that showed a ticket of an older key goes on through setTls', async (t) => {
  const [older, newer] = [randomBytes(80), randomBytes(80)];
  const ticketKeys = [newer, older];
  const rig = await startTls(t, new EchoHandler(), { tls: { ...identity, ticketKeys: [older] } });
  const bystander = await connectTls(t, rig.server.addr);
  const first = await connectTls(t, rig.server.addr);
  const sessions: Buffer[] = [];
  first.on('session', (given: Buffer) => sessions.push(given));
  first.write('hello');
  await readBytes(first, 5);
  await waitUntil(() => sessions.length > 0, 'a session');
  await rig.server.setTls({ ...identity, ticketKeys });
  const held = await holder(t, rig.server.addr);
  const again = beginTls(t, held.address, { session: sessions[0] as Buffer });
  const isOpen = once(again, 'secureConnect');
  await waitUntil(() => held.pieces.length > 0, 'the rest of the handshake');
  await rig.server.setTls({ ...identity, ticketKeys });
  held.release();
  await isOpen;
  assert.ok(again.isSessionReused());
  again.write('again');
  assert.equal((await readBytes(again, 5)).toString(), 'again');
  bystander.write('still');
  assert.equal((await readBytes(bystander, 5)).toString(), 'still');
});

/** Passes on a client's first piece, and holds the rest until `release`. */
async function holder(t: TestScope, address: string) {
  const pieces: Buffer[] = [];
  let to: Socket | undefined;
  let isFirst = true;
  const server = createServer((socket) => {
    const up = connectPlain(Number(/:(\d+)$/.exec(address)?.[1]), '127.0.0.1');
    to = up;
    for (const side of [socket, up]) {
      side.on('error', () => {});
      t.after(() => side.destroy());
    }
    up.pipe(socket);
    socket.on('data', (piece: Buffer) => {
      if (isFirst) up.write(piece);
      else pieces.push(piece);
      isFirst = false;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pieces,
    release(): void {
      for (const piece of pieces) to?.write(piece);
      isFirst = true;
    },
  };
}
