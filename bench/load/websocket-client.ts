/**
 * The load of `bench/harness/websocket-load.ts`: sends masked messages and counts what comes back. Ends with
 * a line of JSON; fails when anything but the same message does.
 *
 * usage: node websocket-client.ts PORT CONNECTIONS BYTES SECONDS
 */
import { connect, type Socket } from 'node:net';

const [port = 0, connections = 1, size = 64, seconds = 1] = process.argv.slice(2).map(Number);
if (size > 125) throw new Error('messages have 125 bytes at most: their length is one byte');

const REQUEST =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n';
const payload = Buffer.alloc(size, 'x');
/** Binary, masked by zeros. */
const message = Buffer.concat([Buffer.from([0x82, 0x80 | size, 0, 0, 0, 0]), payload]);
const expected = Buffer.concat([Buffer.from([0x82, size]), payload]);

const times = new Float64Array(4 << 20);
let requests = 0;
let over = false;

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

class Peer {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #upgraded = false;
  #sent = 0;

  constructor() {
    this.#socket = connect(port, '127.0.0.1', () => this.#socket.write(REQUEST));
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => fail(String(error)));
    this.#socket.on('close', () => over || fail('a connection was closed'));
    this.#socket.on('data', (part: Buffer) => this.#received(part));
  }

  #received(part: Buffer): void {
    let bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    if (!this.#upgraded) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end !== -1) {
        if (!bytes.toString('latin1').startsWith('HTTP/1.1 101 ')) fail(String(bytes));
        this.#upgraded = true;
        bytes = bytes.subarray(end + 4);
        this.#send();
      }
    }
    if (this.#upgraded && bytes.length >= expected.length) {
      if (!bytes.equals(expected)) fail('something else came back');
      times[requests++ % times.length] = performance.now() - this.#sent;
      bytes = bytes.subarray(expected.length);
      this.#send();
    }
    this.#rest = bytes;
  }

  #send(): void {
    if (over) return;
    this.#sent = performance.now();
    this.#socket.write(message);
  }

  end(): void {
    this.#socket.destroy();
  }
}

const started = performance.now();
const peers = Array.from({ length: connections }, () => new Peer());
setTimeout(() => {
  over = true;
  const elapsed = (performance.now() - started) / 1_000;
  for (const peer of peers) peer.end();
  const sorted = times.subarray(0, Math.min(requests, times.length)).sort();
  const at = (part: number): number =>
    (sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 1_000;
  const latencyUs = { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  console.log(JSON.stringify({ requests, seconds: elapsed, latencyUs }));
}, seconds * 1_000);
