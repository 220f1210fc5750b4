import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventServer, type Server, serve } from 'gnet';
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
  stats: true,
  restart: true,
  listen: true,
  unlisten: true,
  adopt: true,
  stop: true,
  close: true,
  closed: true,
} as const satisfies Record<Exclude<keyof Server, symbol>, true>;

test('docs/server.md has one row for each member of a server and each counter, and no other rows', async () => {
  const [members, ofServer, ofLoop] = tablesOf('server.md');
  const server = await serve(new EventServer(), 'tcp://127.0.0.1:0');
  const stats = server.stats();
  await server.stop();
  assert.deepEqual(ofServer?.toSorted(), Object.keys(stats).sort());
  assert.deepEqual(ofLoop?.toSorted(), Object.keys(stats.loops[0] ?? {}).sort());
  assert.deepEqual(members?.toSorted(), Object.keys(membersOfServer).sort());
});
