/** Connections that another protocol takes over, and those where that fails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { switchProtocol } from 'gnet/http';
import { exchange, rawClient, startHttp } from './http-rig.ts';

const text = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
const upgrade = { upgrade: 'x' };

describe('a switch that fails', () => {
  const takes: Readonly<Record<string, () => void | Promise<void>>> = {
    'take throws': () => {
      throw new Error('it cannot be taken');
    },
    'take rejects': async () => {
      await new Promise(setImmediate);
      throw new Error('it cannot be taken');
    },
  };
  for (const [name, take] of Object.entries(takes)) {
    test(`because ${name} ends its connection`, async (t) => {
      const rig = await startHttp(t, (request) => switchProtocol(request, upgrade, take));
      const client = await rawClient(t, rig);
      client.write(text);
      assert.match(String(await client.readUntilEnd()), /^HTTP\/1\.1 101 (.|\r\n)*\r\n\r\n$/);
      assert.match(String(rig.errors), /it cannot be taken/);
    });
  }

  test('because of a header is a failed answer', async (t) => {
    const headers = { ...upgrade, 'x-y': 'a\x01b' };
    const rig = await startHttp(t, (request) =>
      request.url.endsWith('/next')
        ? new Response('next')
        : switchProtocol(request, headers, () => {}),
    );
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const reader = await exchange(t, rig, text + next);
    assert.equal(reader.next().status, 500);
    assert.equal(reader.next().body, 'next');
    assert.match(String(rig.errors), /Cannot send the header x-y/);
  });
});

test('a client that cannot switch is told so', async (t) => {
  const rig = await startHttp(t, (request) => switchProtocol(request, upgrade, () => {}));
  const lines = 'Host: a\r\nUpgrade: x\r\nConnection: Upgrade, close\r\n';
  const old = (await exchange(t, rig, `GET / HTTP/1.0\r\n${lines}\r\n`)).next();
  assert.equal(`${old.status} ${old.headers.get('upgrade')}`, '426 x');
  const withBody = `GET / HTTP/1.1\r\n${lines}Content-Length: 1\r\n\r\na`;
  assert.equal((await exchange(t, rig, withBody)).next().status, 400);
  assert.deepEqual(rig.errors, []);
});
