import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SyscallError } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';

export interface RollingFileLimits {
  /**
   * Bytes after which a file is put aside. One line is never split, so a longer line exceeds it.
   */
  readonly fileBytesMax: number;
  /** Files that were put aside and are kept. */
  readonly backupsMax: number;
  /** Milliseconds after which a file that was put aside is removed. */
  readonly backupAgeMax: number;
}

/** 100 MB, 3 backups, 28 days: as the source framework. */
export const rollingFileLimits: RollingFileLimits = {
  fileBytesMax: 100 * 1024 * 1024,
  backupsMax: 3,
  backupAgeMax: 28 * 24 * 60 * 60 * 1000,
};

/** A log tells of addresses and of what clients sent: not for everybody on the machine to read. */
const fileMode = 0o640;
/** A link in place of the file may lead anywhere: it is refused. Windows knows no such flag. */
const appending =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * A log file that is put aside as `name.1` (then `.2`, `.3`, ...) when it is full.
 *
 * Every line is written before `write` returns, so there is nothing to flush when the process ends
 * in whatever way. What stands at the path is looked at before each line: several threads, other
 * servers and tools that move log files away may all share it.
 */
export class RollingFile {
  readonly path: string;
  readonly #limits: RollingFileLimits;
  #descriptor = -1;
  #inode = 0;
  #closed = false;
  #reported = false;

  /**
   * Opens the file for appending and makes its directory where it is missing.
   * @throws SyscallError when that fails.
   */
  constructor(path: string, limits: RollingFileLimits = rollingFileLimits) {
    // The working directory may change later; the log stays where it was.
    this.path = resolve(path);
    this.#limits = limits;
    try {
      // With a file in its place, `open` names the problem (ENOTDIR) better than `mkdir` (EEXIST).
      const directory = dirname(this.path);
      if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
      this.#open();
      this.#removeOldBackups();
    } catch (cause) {
      this.close();
      throw openFailure(this.path, cause);
    }
  }

  /** Never throws: the first failure is reported as a process warning, and the line is lost. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      this.#prepare(bytes.length);
      writeAll(this.#descriptor, bytes);
    } catch (cause) {
      this.#report(cause);
    }
    if (this.#closed) this.#release();
  }

  /** Gives the descriptor back. A line that comes later opens the file for just that line. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #prepare(bytes: number): void {
    const found = lstatSync(this.path, { throwIfNoEntry: false });
    if (this.#descriptor === -1 || found === undefined || found.ino !== this.#inode) {
      this.#release();
      this.#open();
    }
    const size = found?.size ?? 0;
    if (size === 0 || size + bytes <= this.#limits.fileBytesMax) return;
    this.#putAside();
  }

  #putAside(): void {
    const { backupsMax } = this.#limits;
    this.#release();
    try {
      rmSync(this.#backup(backupsMax), { force: true });
      for (let number = backupsMax - 1; number >= 1; number -= 1) {
        renameIfThere(this.#backup(number), this.#backup(number + 1));
      }
      if (backupsMax > 0) renameIfThere(this.path, this.#backup(1));
      this.#removeOldBackups();
    } catch (cause) {
      // An overlong file is better than a lost line.
      this.#report(cause);
    }
    this.#open();
  }

  #removeOldBackups(): void {
    const oldest = Date.now() - this.#limits.backupAgeMax;
    for (let number = 1; number <= this.#limits.backupsMax; number += 1) {
      const backup = statSync(this.#backup(number), { throwIfNoEntry: false });
      if (backup === undefined || backup.mtimeMs >= oldest) continue;
      rmSync(this.#backup(number), { force: true });
    }
  }

  /** With no backups the only file is backup 0: it is removed instead of renamed. */
  #backup(number: number): string {
    return number === 0 ? this.path : `${this.path}.${number}`;
  }

  #open(): void {
    this.#descriptor = openSync(this.path, appending, fileMode);
    this.#inode = fstatSync(this.#descriptor).ino;
  }

  #release(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor !== -1) closeSync(descriptor);
  }

  #report(cause: unknown): void {
    if (this.#reported) return;
    this.#reported = true;
    process.emitWarning(`cannot write the log file '${this.path}': ${textOf(cause)}`, {
      code: 'GNET_LOG_FILE',
    });
  }
}

/** A write to a file may take fewer bytes when the disk is nearly full. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
  }
}

function openFailure(path: string, cause: unknown): SyscallError {
  const { code, errno, syscall } = cause as NodeJS.ErrnoException;
  return new SyscallError(
    code ?? 'EIO',
    `cannot open the log file '${path}': ${code ?? textOf(cause)}; ` +
      (code === 'ELOOP'
        ? 'it is a symbolic link, which is not followed: give logPath the file itself'
        : 'check logPath or GNET_LOGGING_FILE and the permissions of its directory'),
    {
      ...(syscall === undefined ? {} : { syscall }),
      ...(errno === undefined ? {} : { errno: Math.abs(errno) }),
      cause,
    },
  );
}
