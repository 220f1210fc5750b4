/**
 * A server that restarts on SIGUSR2. Each process reads what it is to be like from a file, so that a test
 * decides what the next one does.
 *
 *     node server.ts CONFIG.json
 */
import { readFileSync, readSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { Options } from 'gnet';

export interface ServerConfig {
  /** A server for each list. */
  readonly servers: readonly (readonly string[])[];
  readonly options?: Options;
  /** What goes wrong in the process that starts next. */
  readonly fault?:
    | 'throw'
    | 'hang'
    | 'exit'
    | 'refuse'
    | 'block'
    | 'slow'
    /** Closes the first address that it has taken, and ends before it has taken the others. */
    | 'unlistens'
    /** Closes that one, and goes on. */
    | 'drops'
    /** Is killed before it has said anything, when it listens, or when it is told to accept. */
    | 'dies starting'
    | 'dies listening'
    | 'dies accepting';
  /** Shown in answers, to tell processes apart. */
  readonly version?: string;
}

const config = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as ServerConfig;
const { fault } = config;
/** The pair of a restart, as `protocol.ts` has it. */
const channel = 3;

/** Waits without a turn of the event loop. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function readLine(): string {
  const bytes = Buffer.alloc(10_000);
  for (;;) {
    try {
      return bytes.toString('utf8', 0, readSync(channel, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      blockFor(5);
    }
  }
}

if (isMainThread) {
  if (fault === 'throw') throw new Error('this version cannot start');
  if (fault === 'exit') {
    console.error('nothing is configured');
    process.exit(3);
  }
  if (fault === 'hang') await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (fault === 'slow') {
    console.log(`slow ${process.pid}`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  if (fault === 'block') for (;;);
  if (fault?.startsWith('dies')) {
    if (fault !== 'dies starting') writeSync(channel, '{"type":"listening"}\n');
    if (fault === 'dies accepting' && !readLine().includes('"accept"')) throw new Error('not told');
    process.kill(process.pid, 'SIGKILL');
    blockFor(60_000);
  }
}

await import('./serving.ts');
