/** The new process of a restart: what it inherits, and when it may use it. */
import { environment } from '../../base/environment.ts';
import { runtimeNet } from '../../base/ip-address.ts';
import { closeSync, fstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import type { Endpoint } from '../../driver/contract.ts';
import { removeLeftBehind } from '../pid-file.ts';
import {
  channelDescriptor,
  type FromNew,
  type Inheritance,
  inheritanceVariable,
  type InheritedAddress,
  type InheritedKeys,
  MessageLines,
  messageLine,
  type ToNew,
} from './protocol.ts';

/** What the program has not taken that long after it was left alone, nobody will. */
const unclaimedMs = 60_000;

/** A server of a process that is to take over from another one. */
export interface WaitingServer {
  /** The process before has left: this one is the server now. */
  takenOver(): void;
}

/** One that has taken inherited sockets, and runs without accepting. */
export interface HeldServer extends WaitingServer {
  accept(): void;
  useTicketKeys(keys: readonly Uint8Array[]): void;
}

interface Holder {
  readonly server: HeldServer;
  /** Which servers of the process before it goes on for. */
  readonly inherits: ReadonlySet<number>;
}

/** What a call of `serve` has taken. */
export interface Taken {
  readonly endpoints: readonly Endpoint[];
  readonly server: number;
}

type State =
  /** The program starts; not everything was taken yet. */
  | 'starting'
  /** Everything is listened on, and the process before was told. */
  | 'listening'
  | 'accepting'
  /** There is no process before any more. */
  | 'alone';

export class InheritedSockets {
  /** The process before. */
  readonly pid: number;
  readonly #channel: Socket;
  readonly #lines = new MessageLines();
  readonly #standardError: number;
  readonly #left: InheritedAddress[];
  readonly #holders: Holder[] = [];
  /** They listen where the process before did not. */
  readonly #others: WaitingServer[] = [];
  readonly #pidFiles: readonly string[];
  #taking = 0;
  #state: State = 'starting';
  /** Puts the real standard error in its place; null until somebody can. */
  #putError: ((descriptor: number) => void) | null = null;
  #errorIsBack = false;

  constructor(inheritance: Inheritance, channel: Socket) {
    this.pid = inheritance.pid;
    this.#standardError = inheritance.standardError;
    this.#left = [...inheritance.addresses];
    this.#pidFiles = inheritance.pidFiles ?? [];
    this.#channel = channel;
    channel.setEncoding('utf8').unref();
    channel.on('data', (piece: string) => this.#received(piece));
    // The process before is gone, in whatever way.
    channel.on('error', () => {});
    channel.on('close', () => this.#alone());
    process.on('uncaughtExceptionMonitor', this.#uncaught);
  }

  get isAlone(): boolean {
    return this.#state === 'alone';
  }

  /** The sockets for an address, if the process before listened on one of that text. */
  take(text: string): Taken | undefined {
    const at = this.#left.findIndex((address) => address.text === text);
    const [found] = at < 0 ? [] : this.#left.splice(at, 1);
    if (this.#state === 'starting') this.#tellTaken(text, found);
    if (found !== undefined) this.#taking++;
    return found;
  }

  /** In case that this process is never ready: the one before can say why. */
  #tellTaken(text: string, found: Taken | undefined): void {
    if (found === undefined) this.#tell({ type: 'elsewhere', text });
    this.#tell({ type: 'left', texts: this.#left.map((address) => address.text) });
  }

  /** What `take` gave is open, and its server runs. */
  hold(server: HeldServer, taken: readonly Taken[]): void {
    this.#taking -= taken.length;
    const holder = { server, inherits: new Set(taken.map((one) => one.server)) };
    if (this.#state === 'alone') {
      server.accept();
      server.takenOver();
      return;
    }
    this.#holders.push(holder);
    if (this.#state !== 'starting' || this.#left.length > 0 || this.#taking > 0) return;
    this.#state = 'listening';
    this.#restoreError();
    this.#tell({ type: 'listening' });
  }

  /**
   * Serves at once, and is not yet what others look for: this process may still fail, and the one
   * before go on.
   */
  wait(server: WaitingServer): void {
    if (this.#state === 'alone') server.takenOver();
    else this.#others.push(server);
  }

  /** Somebody can put a descriptor in the place of standard error, which is a pipe so far. */
  canPutError(put: (descriptor: number) => void): void {
    this.#putError ??= put;
    if (this.#state === 'alone') this.#restoreError();
  }

  /** Standard error still goes to the process before. */
  get #pipesErrors(): boolean {
    return !this.#errorIsBack && this.#standardError >= 0;
  }

  #restoreError(): void {
    if (!this.#pipesErrors || this.#putError === null) return;
    this.#errorIsBack = true;
    this.#putError(this.#standardError);
  }

  /** A server that was to take over could not start. */
  failed(error: unknown): void {
    if (this.#state === 'alone') return;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#tell({ type: 'failed', message });
  }

  readonly #uncaught = (error: unknown): void => this.failed(error);

  #tell(message: FromNew): void {
    if (!this.#channel.destroyed) this.#channel.write(messageLine(message));
  }

  #received(piece: string): void {
    let messages: unknown[];
    try {
      messages = this.#lines.push(piece);
    } catch (error) {
      this.failed(error);
      this.#channel.destroy();
      return;
    }
    for (const message of messages as ToNew[]) {
      if (message.type === 'accept') this.#accept(message.ticketKeys);
      else this.#alone();
    }
  }

  #accept(ticketKeys: readonly InheritedKeys[]): void {
    if (this.#state !== 'listening') return;
    this.#state = 'accepting';
    try {
      for (const { server, inherits } of this.#holders) {
        const own = ticketKeys.find((one) => inherits.has(one.server));
        const keys = own?.keys.map((key) => Buffer.from(key, 'base64'));
        if (keys !== undefined && keys.length > 0) server.useTicketKeys(keys);
        server.accept();
      }
    } catch (error) {
      this.failed(error);
      return;
    }
    this.#tell({ type: 'accepting' });
  }

  #alone(): void {
    const before = this.#state;
    if (before === 'alone') return;
    this.#state = 'alone';
    process.off('uncaughtExceptionMonitor', this.#uncaught);
    this.#channel.destroy();
    this.#restoreError();
    // Nobody reads the pipe any more: what the program writes there must not be its end.
    if (this.#pipesErrors) process.stderr.on('error', () => {});
    for (const { server } of this.#holders.splice(0)) {
      if (before !== 'accepting') server.accept();
      server.takenOver();
    }
    for (const server of this.#others.splice(0)) server.takenOver();
    for (const path of this.#pidFiles) removeLeftBehind(path, this.pid);
    if (this.#left.length > 0) setTimeout(() => this.#closeUnclaimed(), unclaimedMs).unref();
  }

  /** A queue that nobody accepts from would keep its callers waiting. */
  #closeUnclaimed(): void {
    for (const { endpoints } of this.#left.splice(0)) {
      for (const { given = [] } of endpoints) {
        for (const { descriptor } of given) closeSync(descriptor);
      }
    }
  }
}

/** A program between the two processes passes the variable on, and no descriptors. */
function hasChannel(): boolean {
  try {
    return fstatSync(channelDescriptor).isSocket();
  } catch {
    return false;
  }
}

function readInheritance(): InheritedSockets | null {
  const text = environment[inheritanceVariable];
  if (text === undefined || !isMainThread) return null;
  // Children of this program inherit nothing of it.
  delete process.env[inheritanceVariable];
  if (!hasChannel()) return null;
  const inheritance = JSON.parse(text) as Inheritance;
  if (inheritance.version !== 1) {
    throw new Error(`cannot take over from process ${inheritance.pid}: it runs another version`);
  }
  const { Socket: RuntimeSocket } = runtimeNet();
  const channel = new RuntimeSocket({ fd: channelDescriptor, readable: true, writable: true });
  return new InheritedSockets(inheritance, channel);
}

/** Null in a process that takes over from nobody. */
export const inheritedSockets: InheritedSockets | null = readInheritance();
