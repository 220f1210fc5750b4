import type { LoopHost } from '../host/contract.ts';
import type {
  Driver,
  DriverEvents,
  DriverName,
  DriverSettings,
  Endpoint,
  SocketOptions,
} from './contract.ts';

/** Options that only make a server faster or smaller, so that a driver may leave them out. */
export interface TuningOptions
  extends Pick<SocketOptions, 'receiveBufferBytes' | 'sendBufferBytes' | 'extras'> {
  readonly busyPollMicroseconds: number;
}

/** A driver that was tried before the one that was taken. */
export interface RefusedDriver {
  readonly name: DriverName;
  readonly reason: string;
}

/** A program to be started. */
export interface SpawnPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
  /** Where it starts; null for where this process is. */
  readonly directory: string | null;
  /** What its descriptors are, from 0 on. */
  readonly descriptors: readonly number[];
}

/** System calls that the upper rooms need besides a driver. */
export interface NativeCalls {
  closeDescriptor(descriptor: number): void;
  /** A close-on-exec duplicate. @throws SyscallError EMFILE, EBADF. */
  duplicateDescriptor(descriptor: number): number;
  /** One datagram to a Unix path, or an abstract name (`@name`). @throws SyscallError. */
  sendToPath(path: string, bytes: Uint8Array): void;
  /** `target` names the file of `descriptor` from now on. @throws SyscallError EBADF. */
  duplicateOnto(descriptor: number, target: number): void;
  /** No view of that memory may be left anywhere: reading one would end the process. */
  unmapLeftMemory(address: number, byteLength: number): void;
  /** Processes that descendants leave behind become children of this one. @throws SyscallError. */
  adoptOrphans(): void;
  /** Two connected Unix sockets, on which calls may wait. @throws SyscallError. */
  socketPair(): readonly [number, number];
  /**
   * Starts a program without a copy of this process's page tables; returns its id.
   * @throws SyscallError; Error where the system has no such call.
   */
  spawn(plan: SpawnPlan): number;
  /**
   * From now on everybody else who wants the CPU goes before a process that has just been started, and
   * before its threads, where the system can do that; until what is returned is called.
   */
  letOthersFirst(pid: number): () => void;
  /**
   * The calling thread gets the CPU before others when it wakes up, where the system can do that; until
   * what is returned is called. A process that it starts meanwhile has the same.
   */
  goFirst(): () => void;
  /** In that process, when whoever started it is gone and cannot call that any more. */
  waitForNobody(): void;
  /** How a child ended that the runtime knows nothing of; null while it runs, or for who is none. */
  reapChild(pid: number): { readonly code: number | null; readonly signal: number } | null;
}

/** What the kernel says about a descriptor that was opened elsewhere. */
export interface DescribedSocket {
  /** `other`: a socket that is neither IP nor Unix, or neither for streams nor for datagrams. */
  readonly kind: 'tcp' | 'udp' | 'unix' | 'other';
  /** In words, such as `a Unix datagram socket`. */
  readonly name: string;
  readonly family: 4 | 6;
  readonly v6Only: boolean;
  /** Of streams: others connect to it. */
  readonly listens: boolean;
  /** Our end, as drivers print it. */
  readonly address: string;
}

/** A driver that works here, and who gives its loops their turns. */
export interface Backend {
  readonly name: DriverName;
  readonly host: LoopHost;
  /** Better drivers that do not work here; empty when the program named the driver. */
  readonly refused?: readonly RefusedDriver[];
  /** Absent where the driver needs no FFI: then nothing may be asked that does. */
  readonly native?: NativeCalls;
  /**
   * False: its sockets cannot be given to another thread, so with several loops each listens by
   * itself, as with `reusePort`.
   */
  readonly handsOver?: false;
  /** Why several loops cannot listen on addresses of this kind; null where they can, as when absent. */
  readonly oneLoopBecause?: (kind: Endpoint['kind']) => string | null;
  /** Names of given options that this driver cannot honour; the log reports them. */
  readonly optionsWithoutEffect?: (options: TuningOptions) => readonly string[];
  /**
   * Absent where descriptors mean nothing.
   * @throws SyscallError EBADF; ENOTSOCK for what is no socket.
   */
  readonly describeSocket?: (descriptor: number) => DescribedSocket;
  create(events: DriverEvents, settings: DriverSettings): Driver;
}
