import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:net';
import { EventServer, type Server, serve } from 'gnet';
import { waitUntil } from '../support/wait-until.ts';
import { tablesOf } from './tables.ts';

/** Checked by the compiler: no name is missing, and none is too many. */
const membersOfServer = {
  addr: true,
  addrs: true,
  driver: true,
  multicore: true,
  numEventLoop: true,
  loops: true,
  shared: true,
  reusePort: true,
  tcpKeepAlive: true,
  countConnections: true,
  conn: true,
  broadcast: true,
  sendTo: true,
  joinGroup: true,
  leaveGroup: true,
  setTls: true,
  dupFd: true,
  state: true,
  stats: true,
  listConnections: true,
  logLevel: true,
  restart: true,
  listen: true,
  unlisten: true,
  adopt: true,
  stop: true,
  close: true,
  closed: true,
} as const satisfies Record<Exclude<keyof Server, symbol>, true>;

test('docs/server.md has one row for each member of a server, each counter and each figure of a connection, and no others', async () => {
  const [members, ofServer, ofLoop, ofConnection] = tablesOf('server.md');
  const server = await serve(new EventServer(), 'tcp://127.0.0.1:0', { histograms: true });
  const stats = server.stats();
  const client = connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
  await waitUntil(() => server.countConnections() === 1, 'a connection');
  const [connection] = await server.listConnections();
  client.destroy();
  await server.stop();
  assert.deepEqual(ofServer?.toSorted(), Object.keys(stats).sort());
  assert.deepEqual(ofLoop?.toSorted(), Object.keys(stats.loops[0] ?? {}).sort());
  assert.deepEqual(ofConnection?.toSorted(), Object.keys(connection ?? {}).sort());
  assert.deepEqual(members?.toSorted(), Object.keys(membersOfServer).sort());
});
