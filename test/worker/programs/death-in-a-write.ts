/** A thread dies in the middle of a write to a connection of the main thread's own loop. */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type ConnHandle, isMainLoop, serve } from 'gnet';
import { lane, laneCount, LoopMemory, ringBytes } from '../../../src/mailbox/loop-memory.ts';
import { within } from '../../support/open-descriptors.ts';

const alone = await serve({ onOpened: (c) => `${c.id}` }, 'tcp://127.0.0.1:0');
const several = await serve(
  {
    react(frame) {
      // Its first pieces are in the mailbox when the thread ends; the rest never comes.
      const handle = alone.conn(Number(frame));
      void handle.write(Buffer.alloc(3 * ringBytes));
      // Not by `console.log`: that would be lost with the thread.
      writeSync(1, `lanes in use before: ${lanesInUse(memoryOf(handle))}\n`);
      process.exit(1);
    },
  },
  'tcp://127.0.0.1:0',
  { numEventLoop: 2 },
);

function dial(address: string): Socket {
  return connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => {});
}

function memoryOf(handle: ConnHandle): LoopMemory {
  return new LoopMemory((handle as unknown as { readonly memory: SharedArrayBuffer }).memory);
}

function lanesInUse(memory: LoopMemory): number {
  const owners = Array.from({ length: laneCount }, (_, at) => memory.laneWord(at, lane.owner));
  return owners.filter((word) => Atomics.load(memory.words, word) !== 0).length;
}

if (isMainLoop) {
  const reader = dial(alone.addr);
  const [id] = (await once(reader, 'data')) as [Buffer];
  reader.resume();
  const memory = memoryOf(alone.conn(Number(id)));
  const doomed = dial(several.addr).resume();
  doomed.write(id);
  // `once` would reject where the end of a thread resets what it had open.
  await new Promise((resolve) => doomed.once('close', resolve));
  await within(() => lanesInUse(memory) === 0);
  console.log(`lanes in use after: ${lanesInUse(memory)}`);
  process.exit(0);
}
