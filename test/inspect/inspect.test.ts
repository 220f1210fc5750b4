/** `inspect`: who may see what, and what they see. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { client, ErrInvalidOption } from 'gnet';
import {
  type ConnectionPage,
  inspect,
  type InspectOptions,
  type Inspected,
  type Inspector,
  type Snapshot,
} from 'gnet/inspect';
import { RawClient } from 'gnet/testing';
import { connect, EchoHandler, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';

async function inspected(t: TestScope, of: Inspected, options?: InspectOptions) {
  const inspector = await inspect(of, options);
  t.after(() => inspector.close());
  return inspector;
}

async function echoing(t: TestScope, options?: InspectOptions) {
  const rig = await startRig(t, new EchoHandler());
  return { rig, server: rig.server, inspector: await inspected(t, rig.server, options) };
}

/** Asks with the token. */
function ask(inspector: Inspector, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${inspector.token}`, ...init.headers };
  return fetch(`http://${inspector.addr}/${path}`, { ...init, headers });
}

async function data<Data>(inspector: Inspector, path: string): Promise<Data> {
  const response = await ask(inspector, path);
  assert.equal(response.status, 200, await response.clone().text());
  return response.json() as Promise<Data>;
}

function post(inspector: Inspector, path: string, wanted: object): Promise<Response> {
  return ask(inspector, path, { method: 'POST', body: JSON.stringify(wanted) });
}

/** The status that a request gets that says it is for `host`. */
function statusFor(inspector: Inspector, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { Host: host, Authorization: `Bearer ${inspector.token}` };
    const asking = request(`http://${inspector.addr}/api/stats`, { headers, agent: false });
    asking.on('response', (response) => resolve(response.resume().statusCode));
    asking.on('error', reject).end();
  });
}

test('nothing is told or done without the token', async (t) => {
  const { server, inspector } = await echoing(t);
  assert.match(inspector.token, /^[\w-]{24}$/);
  assert.equal(inspector.url, `http://${inspector.addr}/#token=${inspector.token}`);
  const wrong = [{}, { Authorization: 'Bearer ' }, { Authorization: `Bearer ${inspector.token}x` }];
  for (const path of ['api/stats', 'api/events', 'api/connections', 'api/close', 'api/none']) {
    for (const headers of wrong) {
      const response = await fetch(`http://${inspector.addr}/${path}`, { headers });
      assert.equal(response.status, 401, path);
      assert.ok(!(await response.text()).includes(server.addr));
    }
  }
  // RFC 9110, 11.1: the name of the scheme has no case.
  const headers = { Authorization: `bearer ${inspector.token}` };
  const response = await fetch(`http://${inspector.addr}/api/stats`, { headers });
  assert.equal(response.status, 200);
  await response.text();
});

test('the page itself holds no secret, and lets nothing in from elsewhere', async (t) => {
  const { inspector } = await echoing(t);
  const page = await fetch(`http://${inspector.addr}/`);
  const text = await page.text();
  assert.match(text, /^<!doctype html>/);
  assert.ok(
    !text.includes(inspector.token) && !/<script(?![^>]* src=)|\son\w+=|https?:/.test(text),
  );
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(
    policy,
    /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
  );
  assert.doesNotMatch(policy, /unsafe|\*|http/);
  const allowed = [...page.headers.keys()].filter((name) => name.startsWith('access-control'));
  assert.deepEqual(allowed, []);
  for (const file of ['page.js', 'page.css']) {
    const response = await fetch(`http://${inspector.addr}/${file}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  }
  for (const path of ['none', '../package.json', 'page/../../routes.ts']) {
    assert.equal((await fetch(`http://${inspector.addr}/${path}`)).status, 404);
  }
  assert.equal((await fetch(`http://${inspector.addr}/`, { method: 'POST' })).status, 405);
});

test('a name that is not its own is refused, also with the token', async (t) => {
  const { inspector } = await echoing(t, { hosts: ['Inspect.Example'] });
  const port = inspector.addr.split(':').at(-1);
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'inspect.example']) {
    assert.equal(await statusFor(inspector, host), 200, host);
    assert.equal(await statusFor(inspector, `${host}:${port}`), 200, host);
  }
  const others = ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost.a'];
  for (const host of [...others, '1', 'example']) {
    assert.equal(await statusFor(inspector, host), 421, host);
  }
});

test('only what stays on this machine is listened on, unless told otherwise', async (t) => {
  const { server } = await startRig(t, new EchoHandler());
  const bad: InspectOptions[] = [
    { address: 'tcp://:0' },
    { address: 'tcp://0.0.0.0:0' },
    { address: 'tcp://192.0.2.1:80' },
    { address: 'tcp://127.0.0.1.example:80' },
    { token: 'short' },
    { token: 'a secret with blanks' },
    { interval: 1 },
    { hosts: 'example' as unknown as string[] },
    { adress: 'tcp://127.0.0.1:0' } as InspectOptions,
  ];
  for (const options of bad) {
    await assert.rejects(inspect(server, options), ErrInvalidOption, JSON.stringify(options));
  }
  await assert.rejects(inspect([]), ErrInvalidOption);
  const everywhere = await inspected(t, server, { address: 'tcp4://0.0.0.0:0', remote: true });
  assert.match(everywhere.url, /^http:\/\/localhost:\d+\/#token=/);
});

test('the figures are those of stats(), of every server', async (t) => {
  const { rig, server } = await echoing(t);
  const dialler = await client({});
  t.after(() => dialler.stop());
  const inspector = await inspected(t, [server, dialler], { readOnly: true });
  const peer = await connect(t, rig);
  peer.write('hello');
  await peer.readExactly(5);
  const snapshot = await data<Snapshot>(inspector, 'api/stats');
  const [first, second] = snapshot.servers;
  const [stats] = server.stats().loops;
  // These go on while nobody does anything.
  const restless = ['turns', 'waits', 'events', 'utilization', 'activeMs', 'idleMs'];
  const still = Object.entries(stats ?? {}).filter(([name]) => !restless.includes(name));
  assert.partialDeepStrictEqual(first, {
    name: server.addr,
    state: 'running',
    logLevel: null,
    stats: { driver: server.driver, connections: 1, loops: [Object.fromEntries(still)] },
  });
  assert.equal(second?.name, 'client');
  assert.deepEqual([snapshot.process.pid, snapshot.readOnly], [process.pid, true]);
});

/** Visitors of the stream of snapshots, as many as there is room for, who have had the first one. */
async function fullHouse(t: TestScope, { addr, token }: Inspector): Promise<RawClient[]> {
  const visitors: RawClient[] = [];
  for (let count = 0; count < 64; count++) {
    const visitor = await RawClient.connect(addr);
    t.after(() => visitor.destroy());
    const lines = ['GET /api/events HTTP/1.1', `Host: ${addr}`, `Authorization: Bearer ${token}`];
    visitor.write(`${lines.join('\r\n')}\r\n\r\n`);
    await visitor.readExactly(16);
    visitors.push(visitor);
  }
  return visitors;
}

test('who has gone leaves a place to the next one, long before the next snapshot', async (t) => {
  const { inspector } = await echoing(t, { interval: 60_000 });
  const ended = await fullHouse(t, inspector);
  const refused = await ask(inspector, 'api/events');
  assert.equal(refused.status, 503, await refused.text());
  for (const visitor of ended) visitor.end();
  await waitUntil(() => ended.every((visitor) => visitor.ended), 'the server lets them go');

  for (const visitor of await fullHouse(t, inspector)) visitor.reset();
  let { status, body } = await ask(inspector, 'api/events');
  // What the other visitors did is noticed behind this request at the latest.
  for (let tries = 0; status === 503 && tries < 100; tries++) {
    await body?.cancel();
    ({ status, body } = await ask(inspector, 'api/events'));
  }
  assert.equal(status, 200);
  await body?.cancel();
});

test('connections of all loops are listed in pages, sorted and filtered', async (t) => {
  const { server } = await startLoops(t, handlerModule('echo.ts'), { numEventLoop: 2 });
  const inspector = await inspected(t, server);
  const peers = [];
  for (let length = 1; length <= 6; length++) {
    const peer = await connect(t, server.addr);
    peer.write('x'.repeat(length));
    await peer.readExactly(length);
    peers.push(peer);
  }
  const list = (query: string) => data<ConnectionPage>(inspector, `api/connections?${query}`);
  const sizes = ({ rows }: ConnectionPage) => rows.map(({ bytesSent }) => bytesSent);
  const all = await list('sort=bytesSent');
  assert.deepEqual(sizes(all), [6, 5, 4, 3, 2, 1]);
  assert.deepEqual([all.total, all.seen, all.matching], [6, 6, 6]);
  // Where each loop listens by itself, all may have come to one of them.
  const { loops } = server.stats();
  assert.deepEqual(
    loops.map((_, index) => all.rows.filter(({ loop }) => loop === index).length),
    loops.map(({ connections }) => connections),
  );
  assert.deepEqual(sizes(await list('sort=bytesSent&descending=0&offset=2&limit=3')), [3, 4, 5]);
  const one = await list(`sort=remoteAddr&filter=${peers[3]?.localAddress}`);
  assert.deepEqual([sizes(one), one.matching], [[4], 1]);
  assert.deepEqual(sizes(await list('filter=paused')), []);
  for (const query of [
    'sort=x',
    'sort=toString',
    'limit=0',
    'limit=501',
    'offset=-1',
    'server=1',
  ]) {
    assert.equal((await ask(inspector, `api/connections?${query}`)).status, 400, query);
  }
  for (const peer of peers) peer.destroy();
});

test('a visitor closes a connection, unless the page only shows', async (t) => {
  const { rig, server, inspector } = await echoing(t);
  const shows = await inspected(t, server, { readOnly: true });
  const peer = await connect(t, rig);
  const { rows } = await data<ConnectionPage>(inspector, 'api/connections');
  const wanted = { id: rows[0]?.id };
  assert.equal((await post(shows, 'api/close', wanted)).status, 403);
  assert.equal((await ask(inspector, 'api/close')).status, 405);
  assert.equal((await post(inspector, 'api/close', wanted)).status, 200);
  await peer.readUntilEnd();
  peer.destroy();
  await waitUntil(() => server.countConnections() === 0, 'the close');
  assert.equal((await post(inspector, 'api/close', wanted)).status, 404);
  for (const id of [null, 'x', -1, {}]) {
    assert.equal((await post(inspector, 'api/close', { id })).status, 404);
  }
  const broken = await ask(inspector, 'api/close', { method: 'POST', body: '{' });
  assert.equal(broken.status, 400);
});

test('a visitor sets the log level, where the server has one', async (t) => {
  const { inspector: without } = await echoing(t);
  assert.equal((await post(without, 'api/log-level', { level: 'debug' })).status, 400);
  const pino = { level: 'warn', bindings: () => ({}), debug() {}, info() {}, warn() {} };
  const { server } = await startRig(t, {}, { logger: { ...pino, error() {}, fatal() {} } });
  const inspector = await inspected(t, server);
  assert.equal((await post(inspector, 'api/log-level', { level: 'debug' })).status, 200);
  assert.equal(server.logLevel, 'debug');
  assert.equal((await post(inspector, 'api/log-level', { level: 'loud' })).status, 400);
});

test('events tell again and again, and the page ends after what it shows', async (t) => {
  const { rig, server, inspector } = await echoing(t, { interval: 100 });
  const response = await ask(inspector, 'api/events');
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const seen: Snapshot[] = [];
  const reading = (async () => {
    let text = '';
    for await (const piece of response.body ?? []) {
      text += Buffer.from(piece);
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) seen.push(JSON.parse(event.slice('data: '.length)));
    }
  })();
  await waitUntil(() => seen.length >= 2, 'two events');
  await connect(t, rig);
  await waitUntil(() => seen.at(-1)?.servers[0]?.stats.connections === 1, 'the connection');
  await server.close();
  await reading;
  await assert.rejects(ask(inspector, 'api/stats'));
  await inspector.close();
});
