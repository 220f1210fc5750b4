/** The diagnostics channel of handshakes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ChannelMessages } from 'gnet';
import { RawClient } from 'gnet/testing';
import { hear } from '../support/hear-channels.ts';
import { codeOf } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { connectTls, startTls } from './tls-rig.ts';

test('a handshake is told of with what was agreed on, or with its error', async (t) => {
  const addresses: string[] = [];
  const messages: ChannelMessages['gnet:tls.handshake'][] = [];
  const heard = hear(t, ['gnet:tls.handshake'], (message) => {
    messages.push(message);
    addresses.push(message.connection.remoteAddr);
    return message.error === undefined ? message.tls?.protocol : codeOf(message.error);
  });
  const rig = await startTls(t, { react: (frame) => frame });
  const socket = await connectTls(t, rig.server.addr, { maxVersion: 'TLSv1.2' });
  await waitUntil(() => heard.length === 1, 'told');
  socket.end();
  await once(socket, 'close');
  const plain = await RawClient.connect(rig.server.addr);
  t.after(() => plain.destroy());
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await waitUntil(() => heard.length === 2, 'the failure is told');
  assert.match(heard.join(), /^tls\.handshake TLSv1\.2,tls\.handshake ErrTls\w+$/);
  assert.ok(messages.every(({ ms }) => ms > 0));
  assert.match(addresses.join(), /^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
});
