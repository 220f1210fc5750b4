/**
 * An HTTP server over connections of gnet takes 32 MiB from a client in the same process. Prints how
 * many it got, and then that V8 has been asked for at least four small collections.
 */
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { attach } from 'gnet/stream';

/** Of an entry of the kind `gc`. */
interface Collection {
  readonly kind: number;
  readonly flags: number;
}

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants;
const pieces = 512;
const piece = Buffer.alloc(65_536, 'x');

let asked = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind, flags } = (entry as unknown as { detail: Collection }).detail;
    if (kind === minor && (flags & forced) !== 0) asked++;
  }
});
observer.observe({ entryTypes: ['gc'] });

const server = http.createServer((request, response) => {
  let count = 0;
  request.on('data', (part: Buffer) => {
    count += part.length;
  });
  request.on('end', () => response.end(`${count}`));
});
const running = await attach(server, 'tcp://127.0.0.1:0');
const socket = connect(Number(running.addr.split(':')[1]), '127.0.0.1');
const answered = once(socket, 'data') as Promise<[Buffer]>;
socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`);
for (let left = pieces; left > 0; left--) {
  if (!socket.write(piece)) await once(socket, 'drain');
}
const [answer] = await answered;
console.log(`took ${String(answer).split('\r\n\r\n')[1]}`);
socket.destroy();
await running.stop();
// The observer is told later.
while (asked < 4) await sleep(10);
console.log('collected');
