/** Starting the new process of a restart: by the system, or by the runtime. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { NativeCalls } from '../../driver/backend.ts';
import { copiesToSpawn } from '../../host/runtime-features.ts';

export interface ProcessPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** From descriptor 4 on; 3 is the pair. */
  readonly descriptors: readonly number[];
  /** Its standard error is read here. */
  readonly readsErrors: boolean;
}

export interface ProcessEvents {
  /** It never was. */
  failed(error: Error): void;
  ended(code: number | null, signal: NodeJS.Signals | null): void;
}

export interface StartedProcess {
  /** -1 when there is none: `failed` follows. */
  readonly pid: number;
  /** Our end of the pair. */
  readonly channel: Socket | null;
  readonly errors: Readable | null;
  /** Ends it, at once. */
  kill(): void;
  /** It keeps this process no longer, whose events are over. */
  release(): void;
}

/** @throws what the runtime throws at once, such as E2BIG. */
export function startProcess(
  plan: ProcessPlan,
  native: NativeCalls | undefined,
  events: ProcessEvents,
): StartedProcess {
  if (native !== undefined && copiesToSpawn()) {
    try {
      return new SystemProcess(plan, native, events);
    } catch {
      // The runtime knows better, or says better why not.
    }
  }
  return new RuntimeProcess(plan, events);
}

class RuntimeProcess implements StartedProcess {
  readonly #child: ChildProcess;
  readonly channel: Socket | null;
  readonly errors: Readable | null;

  constructor(plan: ProcessPlan, events: ProcessEvents) {
    const { command, args, cwd, env, readsErrors, descriptors } = plan;
    const errors = readsErrors ? 'pipe' : 'inherit';
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['inherit', 'inherit', errors, 'pipe', ...descriptors],
    });
    child.once('error', (error) => events.failed(error));
    child.once('exit', (code, signal) => events.ended(code, signal));
    this.#child = child;
    this.channel = (child.stdio[3] ?? null) as Socket | null;
    this.errors = child.stderr;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  release(): void {
    this.#child.unref();
  }
}

const standardError = 2;
/** A signal that comes together with another one is missed: then its end is seen that much later. */
const lookEveryMs = 500;

/**
 * The runtime forks, for which the kernel copies the page tables of this process: it stands still for as
 * long as that takes, with a large heap a tenth of a second and more.
 */
class SystemProcess implements StartedProcess {
  readonly pid: number;
  readonly channel: Socket;
  readonly errors: Socket | null;
  readonly #native: NativeCalls;
  readonly #events: ProcessEvents;
  readonly #timer: NodeJS.Timeout;
  readonly #look = (): void => this.#lookForEnd();

  constructor(plan: ProcessPlan, native: NativeCalls, events: ProcessEvents) {
    this.#native = native;
    this.#events = events;
    const pairs = openPairs(native, plan.readsErrors ? 2 : 1);
    const theirs = pairs.map(([, end]) => end);
    const [channelEnd, errorsEnd = standardError] = theirs as [number, number?];
    // Before there is a process, which nobody would watch if this failed.
    const [channel, errors = null] = pairs.map(([end]) => socketOf(end));
    this.channel = channel as Socket;
    this.errors = errors;
    try {
      this.pid = native.spawn({
        command: plan.command,
        args: plan.args,
        environment: Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
        directory: plan.cwd === process.cwd() ? null : plan.cwd,
        // The runtime has made its own close-on-exec, too.
        descriptors: [0, 1, errorsEnd, channelEnd, ...plan.descriptors],
      });
    } catch (error) {
      this.channel.destroy();
      this.errors?.destroy();
      throw error;
    } finally {
      for (const end of theirs) native.closeDescriptor(end);
    }
    process.on('SIGCHLD', this.#look);
    this.#timer = setInterval(this.#look, lookEveryMs);
  }

  #lookForEnd(): void {
    const found = this.#native.reapChild(this.pid);
    if (found === null && isThere(this.pid)) return;
    this.release();
    // Somebody else may have taken note of its end.
    const { code, signal } = found ?? { code: null, signal: 0 };
    this.#events.ended(code, signalName(signal));
  }

  kill(): void {
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // It has just ended, which is seen soon.
    }
  }

  release(): void {
    process.off('SIGCHLD', this.#look);
    clearInterval(this.#timer);
  }
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true });
}

/**
 * Starts no process, and asks the kernel for none: the program has no name. What a start needs is compiled
 * and looked up after that, which would take the loop's time while clients wait.
 */
export function rehearseStart(native: NativeCalls): void {
  const nobody = { failed: () => {}, ended: () => {} };
  const plan = { command: '', args: [], cwd: process.cwd(), env: {}, descriptors: [] };
  try {
    new SystemProcess({ ...plan, readsErrors: true }, native, nobody).release();
  } catch {
    // ENOENT, as it should be; or what keeps a real start from working, which then says so.
  }
}

/** @throws SyscallError, with none of them open. */
function openPairs(native: NativeCalls, count: number): (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  try {
    while (pairs.length < count) pairs.push(native.socketPair());
    return pairs;
  } catch (error) {
    for (const end of pairs.flat()) native.closeDescriptor(end);
    throw error;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function signalName(number: number): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? null) as NodeJS.Signals | null;
}
