/**
 * The other side of a driver under test. Peers are looked at, never awaited: the suite turns the
 * driver until what it looks at holds, so that real sockets (`raw-client.ts`) and objects in memory
 * (`simulated-driver.ts`) fit behind the same words.
 */
import type { Endpoint } from '../src/driver/contract.ts';

export type Transport = 'tcp4' | 'tcp6' | 'unix' | 'abstract';

export interface StreamPeer {
  /** Everything written is sent in the end, in order, however slowly the driver reads. */
  write(data: Uint8Array): void;
  /** Half-close, after everything written. */
  end(): void;
  /** Breaks the connection at once (RST); only where `PeerSide.canReset`. */
  reset(): void;
  /** Closes without ceremony. */
  destroy(): void;
  /** A peer that does not read fills the buffers on the way: sends become short. */
  pauseReading(): void;
  resumeReading(): void;
  /** Removes and returns what was received since the last call. */
  take(): Buffer;
  /** Bytes received in all. */
  readonly receivedBytes: number;
  readonly connected: boolean;
  /** The driver's side ended in order. */
  readonly ended: boolean;
  /** The errno name with which the connection broke or was refused. */
  readonly broken: string | undefined;
  /** In the form the driver prints addresses; valid once `connected`. */
  readonly localAddress: string;
}

/** A listening peer, for outgoing connections. */
export interface ListenerPeer {
  /** False while the peer is still binding. */
  readonly ready: boolean;
  readonly endpoint: Endpoint;
  readonly accepted: readonly StreamPeer[];
  close(): void;
}

export interface DatagramPeerSocket {
  readonly ready: boolean;
  /** In the form the driver prints addresses; valid once `ready`. */
  readonly localAddress: string;
  send(address: string, data: Uint8Array): void;
  readonly received: readonly Buffer[];
  /** Who sent each of them, in the form the driver prints addresses. */
  readonly senders: readonly string[];
  close(): void;
}

export interface PeerSide {
  /** Why this transport cannot be had here, or undefined. */
  unsupported(transport: Transport): string | undefined;
  canReset(transport: Transport): boolean;
  /** A fresh endpoint to listen on; port 0 for TCP. */
  endpoint(transport: Transport): Endpoint;
  /** Calls a listener by the address the driver printed. */
  connect(address: string): StreamPeer;
  listen(transport: Transport): ListenerPeer;
  datagramSocket(family: 4 | 6): DatagramPeerSocket;
  /** Once per turn of the suite: where time is simulated, it passes here. */
  turn(): void;
  /**
   * What is open, one line each, `... close-on-exec` at the end where a child process would not
   * inherit it. Nothing on systems that do not tell.
   */
  openDescriptors(): readonly string[];
  /**
   * Takes every descriptor there is and returns how to give them back. Where that would hurt the
   * whole process (`exhaustsProcess`), the suite does it in a child with a low limit.
   */
  exhaustDescriptors(): () => void;
  readonly exhaustsProcess: boolean;
  /** Destroys every peer that was made. */
  close(): void;
}
