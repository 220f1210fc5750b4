/**
 * The load of `bench/harness/websocket-load.ts`. One of many sends a masked message, and everybody gets it,
 * before the next is sent: what is counted is what comes, from when all of them are open, and so is the CPU
 * time of the servers. Ends with a line of JSON; fails when anything but the same message comes.
 *
 * usage: node websocket-client.ts PORT CONNECTIONS BYTES SECONDS PIDS
 *        node websocket-client.ts PORT CONNECTIONS hold     one echo each, until its standard input ends
 */
import { connect, type Socket } from 'node:net';
import { cpuSecondsOf } from '../harness/process-tree.ts';

const parameters = process.argv.slice(2);
const [port = 0, connections = 1, size = 64, seconds = 1] = parameters.map(Number);
const holds = parameters[2] === 'hold';
const serverPids = parameters[4]?.split(',').map(Number) ?? [];
if (size > 125) throw new Error('messages have 125 bytes at most: their length is one byte');

const REQUEST =
  `GET ${holds ? '/' : '/fan'} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n';
const payload = Buffer.alloc(holds ? 64 : size, 'x');
/** Binary, masked by zeros. */
const message = Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
const expected = Buffer.concat([Buffer.from([0x82, payload.length]), payload]);
/** Connections that are opened at a time: more than listeners take in one go are dropped. */
const OPENING_MAX = 100;

const times = new Float64Array(4 << 20);
const peers: Peer[] = [];
let requests = 0;
let rounds = 0;
let upgraded = 0;
let over = false;

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

class Peer {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #upgraded = false;

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
        isUpgraded(this);
      }
    }
    if (this.#upgraded && bytes.length >= expected.length) {
      if (!bytes.equals(expected)) fail('something else came back');
      came();
      bytes = bytes.subarray(expected.length);
    }
    this.#rest = bytes;
  }

  send(): void {
    if (!over) this.#socket.write(message);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** When the message was sent, and how many have it. */
let sent = 0;
let reached = 0;
let cpuBefore = 0;

function sendToAll(): void {
  reached = 0;
  sent = performance.now();
  peers[0]?.send();
}

function isUpgraded(peer: Peer): void {
  upgraded++;
  if (holds) peer.send();
  else if (upgraded === connections) {
    cpuBefore = cpuSecondsOf(serverPids);
    endIn(seconds);
    sendToAll();
  }
  openMore();
}

function came(): void {
  requests++;
  if (holds) {
    if (requests === connections) console.log('held');
  } else if (++reached === connections) {
    times[rounds++ % times.length] = performance.now() - sent;
    sendToAll();
  }
}

function openMore(): void {
  while (peers.length < connections && peers.length - upgraded < OPENING_MAX) {
    peers.push(new Peer());
  }
}

function finish(started: number): void {
  over = true;
  const elapsed = (performance.now() - started) / 1_000;
  for (const peer of peers) peer.end();
  const sorted = times.subarray(0, Math.min(rounds, times.length)).sort();
  const at = (part: number): number =>
    (sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 1_000;
  const latencyUs = { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  const serverCpuSeconds = cpuSecondsOf(serverPids) - cpuBefore;
  console.log(JSON.stringify({ requests, seconds: elapsed, latencyUs, serverCpuSeconds }));
}

function endIn(after: number): void {
  const started = performance.now();
  setTimeout(() => finish(started), after * 1_000);
}

openMore();
if (holds) {
  process.stdin.resume().on('end', () => {
    over = true;
    process.exit();
  });
}
