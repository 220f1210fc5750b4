import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { refusalOf } from '../support/driver.ts';

const program = fileURLToPath(new URL('programs/count-calls.ts', import.meta.url));
const standIn = new URL('../../testing/stand-in/install.ts', import.meta.url).href;
const connections = 3;
const requests = 40;

async function talk(host: string, port: number): Promise<void> {
  const socket = net.connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  for (let count = 0; count < requests; count++) {
    socket.write('request!');
    await once(socket, 'data');
  }
  socket.end();
  await once(socket, 'close');
}

/** The system calls of a server for that many connections and requests, one after the other. */
async function callsOn(driver: string, system?: string): Promise<Record<string, number>> {
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  if (system !== undefined) flags.push(`--import=${standIn}`);
  const child = spawn(process.execPath, [...flags, program, String(connections)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GNET_DRIVER: driver, GNET_STAND_IN: system ?? '' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const address = String((await lines.next()).value);
  const colon = address.lastIndexOf(':');
  for (let count = 0; count < connections; count++) {
    await talk(address.slice(0, colon), Number(address.slice(colon + 1)));
  }
  return JSON.parse(String((await lines.next()).value)) as Record<string, number>;
}

const skip = (await refusalOf('epoll')) || (process.arch !== 'x64' && 'the stand-in is of x64');

test('kqueue makes exactly the calls of epoll, for requests and connections', {
  skip,
}, async () => {
  const onEpoll = await callsOn('epoll');
  assert.equal(onEpoll['sendto'], connections * requests);
  // One more for the end of each.
  assert.equal(onEpoll['recvfrom'], connections * (requests + 1));
  assert.equal(onEpoll['wait'], connections * (requests + 2));
  // Registered once, taken out once.
  assert.equal(onEpoll['change'], connections * 2);
  assert.deepEqual(await callsOn('kqueue', 'freebsd'), onEpoll);
  assert.deepEqual(await callsOn('kqueue', 'netbsd-9'), onEpoll);
});
