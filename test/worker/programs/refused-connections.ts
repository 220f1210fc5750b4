/**
 * Loops that refuse connections and die then. The descriptors of those connections have long been
 * given to files of the program: whoever closes what dead loops left must not close these.
 */
import { fstatSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import { isMainLoop, serve } from 'gnet';
import { within } from '../../support/open-descriptors.ts';

const channel = new BroadcastChannel('refused-connections');
const loops = 2;
let arrived = 0;
if (isMainLoop) channel.onmessage = () => void arrived++;

const server = await serve({}, 'tcp://127.0.0.1:0', {
  numEventLoop: loops,
  codec: () => {
    throw new Error('this loop has no codec');
  },
});

/** Resolves when the server has closed the connection. */
function refused(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}

function isClosed(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return false;
  } catch {
    return true;
  }
}

async function watch(): Promise<void> {
  await Promise.all(Array.from({ length: 4 }, refused));
  const files = Array.from({ length: 12 }, () => openSync('/dev/null', 'r'));
  channel.postMessage('die');
  // Two threads, and two that took over.
  await within(() => arrived === 2 * loops);
  console.log(`closed by somebody else: ${files.filter(isClosed).length} of ${files.length}`);
  process.exit(0);
}

if (isMainLoop) await watch();
else {
  channel.postMessage('here');
  channel.onmessage = (event) => {
    if ((event as { data: string }).data === 'die') throw new Error('this loop dies');
  };
}
