/**
 * A server takes 32 MiB from a client in the same process: one of node:http over connections of gnet
 * (`attach`), one of gnet/http (`fetch`), or web streams (`web`). Prints how many bytes it got, and
 * whether V8 has been asked for collections.
 */
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conn, type Server, serve } from 'gnet';
import { serveHttp } from 'gnet/http';
import { attach, toWeb } from 'gnet/stream';

/** Of an entry of the kind `gc`. */
interface Collection {
  readonly flags: number;
}

const { NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants;
const address = 'tcp://127.0.0.1:0';
const pieces = 512;
const piece = Buffer.alloc(65_536, 'x');
const length = pieces * piece.length;
const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

function listenForNode(): Promise<Server> {
  const server = http.createServer((request, response) => {
    let count = 0;
    request.on('data', (part: Buffer) => {
      count += part.length;
    });
    request.on('end', () => response.end(`${count}`));
  });
  return attach(server, address);
}

async function countOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const part of body) count += part.length;
  return count;
}

function listenForFetch(): Promise<Server> {
  const app = {
    fetch: async ({ body }: Request) =>
      new Response(`${await countOf(body as ReadableStream<Uint8Array>)}`),
  };
  return serveHttp(app, address, { limits: { bodyLengthMax: length } });
}

async function countAll(c: Conn): Promise<void> {
  const { readable, writable } = toWeb(c);
  let count = -head.length;
  for await (const part of readable) {
    count += part.length;
    if (count === length) await writable.getWriter().write(`\r\n\r\n${count}`);
  }
}

const listen: Readonly<Record<string, () => Promise<Server>>> = {
  attach: listenForNode,
  fetch: listenForFetch,
  web: () => serve({ onOpened: (c) => void countAll(c).catch(() => {}) }, address),
};

let asked = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { flags } = (entry as unknown as { detail: Collection }).detail;
    // Of any kind: a small one that is asked for amid a full one ends that.
    if ((flags & forced) !== 0) asked++;
  }
});
observer.observe({ entryTypes: ['gc'] });

const running = await listen[process.argv[2] ?? 'attach']?.();
if (running === undefined) throw new Error('say attach, fetch or web');
const socket = connect(Number(running.addr.split(':')[1]), '127.0.0.1');
const answered = once(socket, 'data') as Promise<[Buffer]>;
socket.write(head);
for (let left = pieces; left > 0; left--) {
  if (!socket.write(piece)) await once(socket, 'drain');
}
const [answer] = await answered;
console.log(`took ${String(answer).split('\r\n\r\n')[1]}`);
socket.destroy();
await running.stop();
// The observer is told later, of all that was before these turns.
for (let turns = 0; turns < 100 && asked === 0; turns++) await sleep(10);
console.log(asked === 0 ? 'not collected' : 'collected');
