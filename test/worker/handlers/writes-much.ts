/** A thread of the program's own: writes by a handle, one after the other or all at once, and counts. */
import { workerData } from 'node:worker_threads';
import { type ConnHandle, connHandle } from 'gnet';

export interface MuchToWrite {
  readonly handle: ConnHandle;
  readonly count: number;
  readonly bytes: number;
  readonly awaits: boolean;
  /** How many writes were taken, and how many refused. */
  readonly settled: SharedArrayBuffer;
}

const { handle, count, bytes, awaits, settled } = workerData as MuchToWrite;
const conn = connHandle(handle);
const counts = new Int32Array(settled);
const data = Buffer.alloc(bytes, 'm');
for (let written = 0; written < count; written++) {
  const write = conn.write(data).then(
    () => Atomics.add(counts, 0, 1),
    () => Atomics.add(counts, 1, 1),
  );
  if (awaits) await write;
}
