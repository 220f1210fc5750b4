/**
 * Loaded in front of a program (`--import`): on SIGWINCH the threads of its loops end at once, as if they
 * had failed.
 */
import { isMainThread } from 'node:worker_threads';

const channel = new BroadcastChannel('death of loops');
(channel as unknown as { unref(): void }).unref();
if (isMainThread) process.on('SIGWINCH', () => channel.postMessage(''));
else channel.onmessage = () => process.exit();
