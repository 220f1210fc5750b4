/** The gateway between a sender of datagrams and an upstream that breaks off, again and again. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from './spawn-example.ts';

const datagrams = 600;
const cuts = 10;

/** Writes lines down and confirms them; every so many lines it breaks off with some that it never read. */
class Upstream {
  readonly lines = new Set<string>();
  cuts = 0;
  readonly #server = createServer((socket) => this.#take(socket));

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  #take(socket: Socket): void {
    socket.on('error', () => {});
    let broken = false;
    createInterface({ input: socket }).on('line', (line) => {
      if (broken) return;
      if (this.cuts < cuts && this.lines.size >= (this.cuts + 1) * 50) {
        broken = true;
        this.cuts++;
        socket.resetAndDestroy();
        return;
      }
      this.lines.add(line);
      socket.write('ok\n');
    });
  }

  close(): void {
    this.#server.close();
  }
}

test('examples/gateway.ts loses nothing that it took, over ten cuts of its upstream', async (t) => {
  const upstream = new Upstream();
  const upstreamPort = await upstream.listen();
  t.after(() => upstream.close());
  const example = await spawnExample('examples/gateway.ts', [
    '--host=127.0.0.1',
    `--upstream=127.0.0.1:${upstreamPort}`,
  ]);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const taken = new Set<string>();
  for (let count = 0; count < datagrams; count++) {
    socket.send(`datagram ${count}`, example.port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    if (String(answer) === 'ok') taken.add(`datagram ${count}`);
  }
  assert.equal(taken.size, datagrams);
  await waitUntil(() => upstream.lines.size === datagrams, 'everything arrives');
  assert.deepEqual(upstream.lines, taken);
  assert.equal(upstream.cuts, cuts);

  socket.send('two\nlines', example.port, '127.0.0.1');
  assert.equal(String(((await once(socket, 'message')) as [Buffer])[0]), 'no');
  const response = await fetch(`http://127.0.0.1:${example.port}/metrics`);
  const text = await response.text();
  assert.match(text, new RegExp(`^gateway_taken_total ${datagrams}$`, 'm'));
  assert.match(text, /^# TYPE gateway_refused counter\n# HELP .*\ngateway_refused_total 1$/m);
  assert.match(text, new RegExp(`^gateway_reconnects_total ${cuts}$`, 'm'));
  assert.match(text, /^gateway_upstream_up 1$/m);
  const received = `gnet_datagrams_received_total{server="127.0.0.1:${example.port}",loop="0"}`;
  assert.ok(text.includes(`${received} ${datagrams + 1}\n`), text);
  assert.equal(await example.stop(), 0);
});

test('examples/gateway.ts has at most 60 lines', () => {
  const lines = readFileSync(new URL('../../examples/gateway.ts', import.meta.url), 'utf8').split(
    '\n',
  );
  assert.ok(lines.length - 1 <= 60, `${lines.length - 1}`);
});
