/** The text of `openMetrics`: what it says, and what Prometheus' own tools make of it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ErrInvalidOption, type LoopStats } from 'gnet';
import { serveHttp } from 'gnet/http';
import { type MetricFamily, openMetrics, openMetricsType } from 'gnet/metrics';
import { freePort } from '../support/free-port.ts';
import { histogramFamilies, loopFamilies } from '../../src/metrics/loop-families.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { Program } from '../support/program.ts';
import {
  connect,
  EchoHandler,
  startRig,
  temporaryDirectory,
  type TestScope,
} from '../support/rig.ts';

const own: readonly MetricFamily[] = [
  { name: 'shop_orders', type: 'counter', help: 'Orders "taken".', value: 3 },
  {
    name: 'shop_queue_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How long orders wait.',
    value: [
      { labels: { queue: 'a"b\\c\nd' }, value: 0.5 },
      { labels: { queue: 'e' }, value: Number.POSITIVE_INFINITY },
    ],
  },
];

async function echoed(t: TestScope, histograms = true) {
  const rig = await startRig(t, new EchoHandler(), { histograms });
  const client = await connect(t, rig);
  client.write('hello');
  await client.readExactly(5);
  return rig.server;
}

/** The value of the sample that begins with `text`. */
function sample(of: string, text: string): number {
  const line = of.split('\n').find((one) => one.startsWith(text));
  return Number(line?.split(' ').at(-1));
}

test('every counter of stats() is in the text, with its value', async (t) => {
  const server = await echoed(t, false);
  const text = openMetrics(server);
  const [loop] = server.stats().loops as [LoopStats];
  const labels = `{server="${server.addr}",loop="0"}`;
  assert.equal(sample(text, `gnet_connections_open${labels}`), 1);
  assert.equal(sample(text, `gnet_connections_accepted_total${labels}`), 1);
  assert.equal(sample(text, `gnet_frames_total${labels}`), loop.frames);
  assert.equal(sample(text, `gnet_received_bytes_total${labels}`), 5);
  assert.equal(sample(text, `gnet_sent_bytes_total${labels}`), 5);
  assert.match(text, /^gnet_server_info\{server="[^"]+",driver="\w+",host="\w+"\} 1$/m);
  assert.doesNotMatch(text, /gnet_tls/);
  assert.ok(text.endsWith('\n# EOF\n'));
  const samples = text.split('\n').filter((line) => /^gnet_(?!server)/.test(line));
  // Without TLS there is nothing to tell of it; idle is the time that is not active.
  const { tlsHandshakes: _a, tlsFailures: _b, tlsHandshakeMs: _c, idleMs: _d, ...plain } = loop;
  assert.equal(samples.length, Object.keys(plain).length);
});

test('several servers stand in one text, each family once', async (t) => {
  const servers = [await echoed(t), await echoed(t)];
  const text = openMetrics(servers, own);
  const types = text.split('\n').filter((line) => line.startsWith('# TYPE'));
  assert.equal(new Set(types).size, types.length);
  for (const { addr } of servers) {
    assert.equal(sample(text, `gnet_connections_open{server="${addr}",loop="0"}`), 1);
  }
  assert.match(text, /^shop_orders_total 3$/m);
  assert.match(text, /^shop_queue_seconds\{queue="a\\"b\\\\c\\nd"\} 0\.5$/m);
  assert.match(text, /^shop_queue_seconds\{queue="e"\} \+Inf$/m);
});

test('histograms are there with the option, and only then', async (t) => {
  const server = await echoed(t);
  const labels = `server="${server.addr}",loop="0"`;
  const text = openMetrics(server);
  assert.match(text, /^# TYPE gnet_frame_size_bytes histogram$/m);
  assert.equal(sample(text, `gnet_frame_size_bytes_bucket{${labels},le="16.0"}`), 1);
  assert.equal(sample(text, `gnet_frame_size_bytes_bucket{${labels},le="+Inf"}`), 1);
  assert.equal(sample(text, `gnet_frame_size_bytes_sum{${labels}}`), 5);
  assert.equal(sample(text, `gnet_frame_size_bytes_count{${labels}}`), 1);
  assert.match(text, /^gnet_handler_seconds_bucket\{[^}]*,le="0.000004"\} \d+$/m);
  assert.doesNotMatch(openMetrics(await echoed(t, false)), /histogram/);
});

test('a metric that would make the text unreadable is refused', async (t) => {
  const server = await echoed(t);
  const good = { name: 'x', type: 'counter', help: '', value: 1 } as const;
  const bad: readonly object[] = [
    { name: '1x' },
    { name: 'x\n# EOF' },
    { name: 'x_total' },
    { name: 'gnet_frames' },
    { unit: 'bytes' },
    { value: -1 },
    { value: Number.NaN },
    { value: [{ labels: { 'a b': '' }, value: 1 }] },
    { type: 'histogram' },
    { type: 'gauge', name: 'gnet_frames_total' },
    { type: 'gauge', name: 'gnet_server_info' },
    { type: 'gauge', name: 'gnet_handler_seconds_bucket' },
    { unit: '' },
    { help: undefined },
    { value: undefined },
    { value: [{ value: 1 }] },
    { value: [null] },
    { value: [{ labels: { port: 80 }, value: 1 }] },
    {
      value: [
        { labels: { a: '1', b: '2' }, value: 1 },
        { labels: { b: '2', a: '1' }, value: 2 },
      ],
    },
  ];
  for (const change of bad) {
    const metric = { ...good, ...change } as MetricFamily;
    assert.throws(() => openMetrics(server, [metric]), ErrInvalidOption, JSON.stringify(change));
  }
  assert.throws(() => openMetrics(server, [good, good]), ErrInvalidOption);
  const total = { ...good, type: 'gauge', name: 'x_total' } as const;
  assert.throws(() => openMetrics(server, [good, total]), ErrInvalidOption);
  assert.throws(() => openMetrics(server, [total, good]), ErrInvalidOption);
  assert.throws(() => openMetrics(server, [null as unknown as MetricFamily]), ErrInvalidOption);
});

/** In the older format, which `promtool` reads: TYPE has the name with its suffix, HELP plain quotes. */
function asPlainText(text: string): string {
  const counters = [...text.matchAll(/^# TYPE (\w+) (counter|info)$/gm)];
  return counters
    .reduce((changed, [, name, type]) => {
      const full = `${name}_${type === 'info' ? 'info' : 'total'}`;
      return changed
        .replace(`# TYPE ${name} ${type}\n`, `# TYPE ${full} ${type === 'info' ? 'gauge' : type}\n`)
        .replace(`# HELP ${name} `, `# HELP ${full} `);
    }, text)
    .replace(/^# (UNIT|EOF).*\n/gm, '')
    .replace(/^# HELP .*$/gm, (line) => line.replaceAll('\\"', '"'));
}

test('promtool check metrics finds nothing', { skip: missing('promtool') }, async (t) => {
  const text = asPlainText(openMetrics(await echoed(t), own));
  const { code, stdout, stderr } = await runClient('promtool', ['check', 'metrics'], text);
  assert.equal(`${stdout}${stderr}`, '');
  assert.equal(code, 0);
});

test('Prometheus scrapes it', { skip: missing('prometheus'), timeout: 30_000 }, async (t) => {
  const server = await echoed(t);
  const page = await serveHttp(
    {
      fetch: () =>
        new Response(openMetrics(server, own), { headers: { 'Content-Type': openMetricsType } }),
    },
    'tcp://127.0.0.1:0',
  );
  t.after(() => page.close());
  const folder = temporaryDirectory(t);
  const scrape = { job_name: 'gnet', scrape_interval: '1s', scrape_timeout: '1s' };
  const config = {
    scrape_configs: [{ ...scrape, static_configs: [{ targets: [page.addr] }] }],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const flags = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': `127.0.0.1:${port}`,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const prometheus = new Program(t, 'prometheus', args, { cwd: folder });
  await prometheus.line(/(Server is ready to receive web requests)/);
  const ask = async (query: string): Promise<string | undefined> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`;
    const body = (await (await fetch(url)).json()) as {
      data: { result: { value: [number, string] }[] };
    };
    return body.data.result[0]?.value[1];
  };
  for (let tries = 0; (await ask('up')) === undefined && tries < 100; tries++) await delay(100);
  assert.equal(await ask('up'), '1', prometheus.output);
  assert.equal(await ask(`gnet_received_bytes_total{server="${server.addr}"}`), '5');
  assert.equal(await ask('gnet_connections_open'), '1');
  assert.equal(await ask('shop_queue_seconds{queue="e"}'), '+Inf');
  assert.equal(await ask('gnet_frame_size_bytes_bucket{le="16.0"}'), '1');
});

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the page names every metric, and the dashboard asks for no other', () => {
  const names = loopFamilies.map(({ name, type }) => (type === 'counter' ? `${name}_total` : name));
  const histograms = histogramFamilies.map(({ name }) => name);
  const documented = [...read('docs/monitoring.md').matchAll(/`(gnet_\w+)`/g)].map(
    ([, name]) => name,
  );
  assert.deepEqual(new Set(documented), new Set(['gnet_server_info', ...names, ...histograms]));
  const asked = read('docs/grafana-dashboard.json').match(/\bgnet_\w+/g) ?? [];
  assert.ok(asked.length > 10);
  for (const name of asked)
    assert.ok(documented.includes(name.replace(/_(?:bucket|sum|count)$/, '')), name);
});
