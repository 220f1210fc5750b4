/**
 * Ships the lines of its standard input to a server that answers each of them, and loses none when the
 * connection breaks: it dials again, longer apart each time, and sends again what was not answered.
 *
 *   nc -lk 9001 | tee received.log       # a server that answers when you press Enter
 *   npm run example examples/ship.ts -- --upstream 127.0.0.1:9001 < some.log
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { client, LineBasedFrameCodec } from 'gnet';
import { readFlags } from './lib/flags.ts';

const pauseMs = 10;

const flags = readFlags();
const dialler = await client({}, { codec: new LineBasedFrameCodec() });
const link = dialler.link(`tcp://${flags.upstream}`, {
  confirm: true,
  maxKept: 1024 * 1024,
  reconnect: {
    minDelay: 50,
    maxDelay: 5_000,
    onReconnect: (_c, attempts) => console.error(`connected again, attempt ${attempts}`),
  },
  handler: { react: () => link.confirm() },
});

let lines = 0;
for await (const line of createInterface({ input: process.stdin })) {
  // False: as much as may be kept waits to be answered, so the input waits, too.
  while (!link.write(line)) await sleep(pauseMs);
  lines++;
}
while (link.pendingMessages > 0) await sleep(pauseMs);
console.log(`${lines} lines were shipped, over ${link.reconnects + 1} connections`);
await dialler.stop();
