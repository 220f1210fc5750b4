/** The file in which other programs find the process of a server. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { ErrPidFile } from '../base/errors.ts';

const ownerOnly = 0o600;
/** Times of files and of processes are told in steps of up to this. */
const clockStepMs = 2_000;

/** The process that a pid file names. @throws ErrPidFile when it cannot be read, or names none. */
export function readPidFile(path: string, action: string): number {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new ErrPidFile(
      `cannot ${action} by the pid file '${path}': ${state}; is the server up?`,
      {
        address: path,
        cause,
      },
    );
  }
  const pid = Number(/^\s*(\d{1,10})\s*$/.exec(text)?.[1] ?? 0);
  if (pid > 0) return pid;
  throw new ErrPidFile(
    `cannot ${action} by the pid file '${path}': it holds no number; remove it if it is not in use`,
    { address: path },
  );
}

/** Whether there is a process of this number, whoever it belongs to. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: another user's process, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Where Linux tells of processes. */
const procFolder = '/proc';

interface ProcessState {
  /** It has ended, and its parent has not taken note. */
  readonly isZombie: boolean;
  /** In milliseconds of the wall clock; earlier or later once somebody has set that. */
  readonly start: number;
}

/** Undefined where nobody tells. proc(5) */
function stateOf(pid: number, proc: string): ProcessState | undefined {
  try {
    const stat = readFileSync(`${proc}/${pid}/stat`, 'latin1');
    // The name of the program is in brackets and may contain anything.
    const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(words[19]);
    const booted = /^btime (\d+)$/m.exec(readFileSync(`${proc}/stat`, 'latin1'))?.[1];
    const ticksPerSecond = 100;
    const start = (Number(booted) + ticks / ticksPerSecond) * 1_000;
    return { isZombie: words[0] === 'Z' || words[0] === 'X', start };
  } catch {
    return undefined;
  }
}

/** Whether the process has that file open; false also where nobody may know. */
function holds(pid: number, { dev, ino }: Stats, proc: string): boolean {
  const folder = `${proc}/${pid}/fd`;
  try {
    return readdirSync(folder).some((descriptor) => {
      const open = statIfThere(`${folder}/${descriptor}`);
      return open !== undefined && open.ino === ino && open.dev === dev;
    });
  } catch {
    return false;
  }
}

/** One may be closed meanwhile. */
function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/**
 * Whether the process that the file names still is the one that wrote it: numbers are used again.
 * @param proc for tests
 */
export function isAlive(pid: number, path: string, proc: string = procFolder): boolean {
  if (!exists(pid)) return false;
  const state = stateOf(pid, proc);
  if (state === undefined) return true;
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || state.isZombie) return false;
  // A clock that was set since makes either seem younger. Who wrote the file has it open; other programs,
  // and earlier versions, do not.
  return state.start <= file.mtimeMs + clockStepMs || holds(pid, file, proc);
}

/** The pid file of this process, for as many servers as want it. */
class PidFile {
  readonly path: string;
  readonly #fresh: string;
  users = 0;
  /** The process that took over replaces it. */
  isLeft = false;
  #isWritten = false;
  /** Open as long as the file is this process's: see `isAlive`. -1 for none. */
  #descriptor = -1;

  constructor(path: string) {
    this.path = path;
    this.#fresh = `${path}.${process.pid}`;
  }

  /** @throws ErrPidFile for one that another process has, or that cannot be written. */
  prepare(predecessor: number): void {
    if (this.#isWritten) return;
    this.#refuseOther(predecessor);
    if (statSync(this.path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ErrPidFile(`cannot write the pid file '${this.path}': it is a directory`, {
        address: this.path,
      });
    }
    try {
      this.#writeFresh();
      // A process that is killed before it takes over leaves nothing behind.
      unlinkSync(this.#fresh);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new ErrPidFile(
        `cannot write the pid file '${this.path}': ${code}; its directory must be there and writable`,
        { address: this.path, cause },
      );
    }
  }

  #writeFresh(): void {
    unlinkQuietly(this.#fresh);
    writeFileSync(this.#fresh, `${process.pid}\n`, { mode: ownerOnly, flag: 'wx' });
  }

  #refuseOther(predecessor: number): void {
    const found = readIfThere(this.path);
    if (found === undefined || found === process.pid || found === predecessor) return;
    if (!isAlive(found, this.path)) return;
    throw new ErrPidFile(
      `cannot write the pid file '${this.path}': process ${found} has it and is alive; stop that one, ` +
        'or give this server another pidName',
      { address: this.path },
    );
  }

  /** From now on it names this process. */
  write(): void {
    if (this.#isWritten) return;
    this.#isWritten = true;
    try {
      this.#writeFresh();
      // Elsewhere nobody looks, and an open file could not be replaced on Windows.
      if (existsSync(procFolder)) this.#descriptor = openSync(this.#fresh, 'r');
      renameSync(this.#fresh, this.path);
    } catch (error) {
      unlinkQuietly(this.#fresh);
      this.#close();
      throw error;
    }
  }

  #close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Removes it if it still names this process. */
  remove(): void {
    if (!this.isLeft && readIfThere(this.path) === process.pid) unlinkQuietly(this.path);
    this.#close();
  }
}

/** What a file names, if it is there and names anything. */
function readIfThere(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours to remove.
  }
}

const files = new Map<string, PidFile>();

/**
 * Another process has taken over, and replaces the files of this one when it hears so. A process that
 * ends faster than that would remove them: whoever looks then would find that nobody serves.
 */
export function leavePidFiles(): void {
  for (const file of files.values()) file.isLeft = true;
}

/** What this process has written, or is to write. */
export function pidFilePaths(): string[] {
  return [...files.keys()];
}

/** A file of the process before that this one has not replaced: its program names another one now. */
export function removeLeftBehind(path: string, predecessor: number): void {
  if (readIfThere(path) === predecessor) unlinkQuietly(path);
}

/** One server's hold on a pid file. */
export interface PidFileHold {
  /** The server listens. */
  write(): void;
  /** It is over. */
  release(): void;
}

/**
 * Checks that the file can be written, and by this process.
 * @param predecessor the process that this one takes over from; 0 for none.
 * @throws ErrPidFile.
 */
export function holdPidFile(path: string, predecessor: number): PidFileHold {
  const whole = resolve(path);
  const file = files.get(whole) ?? new PidFile(whole);
  file.prepare(predecessor);
  files.set(whole, file);
  file.users++;
  let isHeld = true;
  return {
    write: () => file.write(),
    release() {
      if (!isHeld) return;
      isHeld = false;
      file.users--;
      if (file.users > 0) return;
      files.delete(whole);
      file.remove();
    },
  };
}
