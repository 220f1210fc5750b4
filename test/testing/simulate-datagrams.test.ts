/** Datagrams of a simulation are refused as those of the driver in use are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventHandler, type GnetError, type Server, serve } from 'gnet';
import { simulate } from 'gnet/testing';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName } from '../support/driver.ts';
import { waitUntil } from '../support/wait-until.ts';

const address = 'udp://127.0.0.1:0';
const tooLong = Buffer.alloc(65_508);

/** What the program is told, without the ports, which are never the same. */
function told(error: unknown): object {
  const { code, message, errno, address: to = '' } = error as GnetError & { address?: string };
  // The driver node has another name for the call.
  const plain = (text: string): string =>
    text.replace(/:\d+/g, ':port').replace(/send\w*:/, 'send:');
  return { code, errno, message: plain(message), address: plain(to) };
}

interface Heard {
  readonly errors: object[];
  readonly handler: EventHandler;
}

function listening(): Heard {
  const errors: object[] = [];
  const handler: EventHandler = {
    react(_frame, c) {
      c.sendTo(tooLong);
      c.sendTo('short');
    },
    onError: (_c, error) => void errors.push(told(error)),
  };
  return { errors, handler };
}

async function sentTo(server: Server): Promise<object> {
  return server.sendTo('udp://127.0.0.1:9', tooLong).then(() => ({}), told);
}

test('too long a datagram: the same error, in a session and of the server', async (t) => {
  const real = listening();
  const server = await serve(real.handler, address, { udpSessions: true });
  t.after(() => server.close());
  const client = await DatagramClient.open(t);
  await client.send(server.addr, 'x');
  await waitUntil(() => real.errors.length === 1, `an error on ${driverName}`);

  const simulated = listening();
  const world = await simulate(simulated.handler, { address, udpSessions: true });
  t.after(() => world.close());
  const peer = world.simulation.datagrams();
  peer.send(world.server.addr, 'x');
  assert.equal(String((await peer.receive()).data), 'short');
  await world.settled();
  assert.deepEqual(simulated.errors, real.errors);
  assert.deepEqual(await sentTo(world.server), await sentTo(server));
  assert.equal(world.server.stats().loops[0]?.datagramsDropped, 2);
});

test('a test cannot send what no kernel sends', async (t) => {
  const world = await simulate({}, { address });
  t.after(() => world.close());
  const { addr } = world.server;
  const peer = world.simulation.datagrams();
  assert.throws(() => peer.send(addr, tooLong), { code: 'EMSGSIZE' });
  assert.throws(() => peer.send('127.0.0.1:0', 'x'), { code: 'EINVAL' });
  assert.throws(() => peer.send('[::1]:9', 'x'), { code: 'EAFNOSUPPORT' });
  assert.throws(() => world.simulation.datagrams(6).send(addr, 'x'), { code: 'ENETUNREACH' });
});
