/** Makes drivers while descriptors run out; prints how many more poller descriptors are open then. */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createEpollDriver } from '../../../src/driver/readiness/epoll.ts';

const settings = { readBufferBytes: 65_536, headroomBytes: 16_384 };
const events = {} as Parameters<typeof createEpollDriver>[0];

function pollers(): number {
  const names = readdirSync('/proc/self/fd').map((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`);
    } catch {
      return ''; // the one that lists
    }
  });
  return names.filter((name) => name.includes('eventpoll')).length;
}

createEpollDriver(events, settings).close();
const before = pollers();
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // Now none is left.
}
let refused = 0;
for (let free = 0; free < 2; free++) {
  try {
    createEpollDriver(events, settings).close();
  } catch {
    refused++;
  }
  closeSync(taken.pop() as number);
}
for (const descriptor of taken) closeSync(descriptor);
console.log(`refused ${refused}, left open ${pollers() - before}`);
