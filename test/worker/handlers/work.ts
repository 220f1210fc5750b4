/** Tasks of a worker pool. */
import { threadId } from 'node:worker_threads';
import { type ConnHandle, connHandle } from 'gnet';

export default function look(bytes: Uint8Array) {
  return { bytes, total: bytes.buffer.byteLength, main: threadId === 0 };
}

export function fail(what: string): never {
  throw new Error(`failed on ${what}`);
}

export function double(value: number): number {
  return value * 2;
}

export function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Writes by itself, in pieces, while it works. */
export async function progress({ handle, steps }: { handle: ConnHandle; steps: number }) {
  const conn = connHandle(handle);
  for (let step = 1; step <= steps; step++) await conn.write(`${step} of ${steps}\n`);
  return 'done\n';
}
