/** What the main thread and the threads of loops tell each other, over one MessagePort per thread. */
import type { RefusedDriver } from '../driver/backend.ts';
import type { ListOrder } from '../connection/connection-list.ts';
import type { ConnectionInfo, TlsStats } from '../connection/server-view.ts';
import type { PackedSettings } from '../tls/settings-transfer.ts';
import type { DriverName, Endpoint, GivenSocket } from '../driver/contract.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventLoopSettings } from '../loop/event-loop-settings.ts';
import type { TransferredError } from './error-transfer.ts';
import type { StopResult } from '../connection/server-view.ts';
import type { DatagramOrder } from '../loop/datagram-order.ts';
import type { Unfinished } from '../loop/loop-end.ts';

/** What a thread needs to show a server that runs elsewhere. */
export interface ServerViewData {
  readonly server: number;
  readonly texts: readonly string[];
  readonly addrs: readonly string[];
  readonly multicore: boolean;
  readonly numEventLoop: number;
  readonly reusePort: boolean;
  readonly tcpKeepAlive: number;
  readonly shared: unknown;
  readonly driver: string;
  readonly host: string;
  readonly driversRefused: readonly RefusedDriver[];
  /** Whose OpenSSL it is; undefined without TLS. */
  readonly tls: Pick<TlsStats, 'engine' | 'version'> | undefined;
  /** One per loop. */
  readonly memories: readonly SharedArrayBuffer[];
  readonly listenerDescriptor: number;
  /** It is down already. */
  readonly ended: boolean;
}

/** "Run loop `loop` of server `server`." */
export interface LoopOrder {
  readonly type: 'loop';
  readonly server: number;
  /** Which call of `serve` it is; -1 for a handler module. */
  readonly call: number;
  readonly loop: number;
  readonly memory: SharedArrayBuffer;
  readonly firstGeneration: number;
  /** What this loop listens on by itself. */
  readonly endpoints: readonly Endpoint[];
  /** Without a codec: that comes from the thread's own program or module. */
  readonly settings: EventLoopSettings;
  readonly module: string | null;
  readonly tls: PackedSettings | undefined;
  readonly driver: DriverName;
  /** Keep the thread on one CPU. */
  readonly pin: boolean;
}

/** Where a server listens by now, and how its loops are reached. */
export interface PlacesMessage {
  readonly type: 'places';
  readonly server: number;
  readonly texts: readonly string[];
  readonly addrs: readonly string[];
  /** Of the first listener; -1 for none. */
  readonly listenerDescriptor: number;
  /** One per loop. */
  readonly memories: readonly SharedArrayBuffer[];
}

/** What a loop that runs is to listen on besides, or no more. */
export interface ListeningChange {
  /** By their places, in the order in which the loop opened them. */
  readonly close: readonly number[];
  readonly open: readonly Endpoint[];
  /** Nothing is accepted there before `accept`. */
  readonly holds: boolean;
}

export type ToThread =
  | LoopOrder
  /** `holds`: nothing is accepted before `accept`. */
  | { readonly type: 'start'; readonly view: ServerViewData; readonly holds: boolean }
  | {
      readonly type: 'accept' | 'rehearse' | 'pauseDatagrams' | 'resumeDatagrams';
      readonly server: number;
    }
  /** A call of `serve` whose server has no loop in this thread. */
  | { readonly type: 'view'; readonly call: number; readonly view: ServerViewData }
  | { readonly type: 'refuse'; readonly call: number; readonly error: TransferredError }
  | { readonly type: 'change'; readonly server: number; readonly change: ListeningChange }
  | { readonly type: 'drain'; readonly server: number; readonly leavesOver: number | null }
  | { readonly type: 'force' | 'duplicated'; readonly server: number }
  | PlacesMessage
  | { readonly type: 'close'; readonly server: number; readonly result: StopResult }
  | {
      readonly type: 'broadcast';
      readonly server: number;
      readonly request: number;
      readonly data: Uint8Array | string;
    }
  | {
      readonly type: 'datagrams';
      readonly server: number;
      readonly request: number;
      readonly order: DatagramOrder;
    }
  | {
      readonly type: 'list';
      readonly server: number;
      readonly request: number;
      readonly order: ListOrder;
    }
  /** What to use for new connections. */
  | { readonly type: 'tls'; readonly server: number; readonly tls: PackedSettings }
  | { readonly type: 'answer'; readonly request: number; readonly value: number }
  | { readonly type: 'unanswered'; readonly request: number; readonly error: TransferredError }
  /** No server needs this thread any more. */
  | { readonly type: 'end' };

/**
 * What another process would be given, in the order in which the loop opened it, null for what is
 * closed; or why it cannot be.
 */
export type SocketsToGive = readonly (GivenSocket | null)[] | string;

export type FromThread =
  | { readonly type: 'join'; readonly call: number; readonly texts: readonly string[] }
  | {
      readonly type: 'listening';
      readonly server: number;
      readonly addresses: readonly string[];
      readonly listenerDescriptor: number;
      readonly sockets: SocketsToGive;
    }
  | {
      readonly type: 'changed';
      readonly server: number;
      /** Of what was opened; fewer than were wanted where there is an error. */
      readonly addresses: readonly string[];
      readonly error: TransferredError | null;
      readonly sockets: SocketsToGive;
    }
  | { readonly type: 'failed'; readonly server: number; readonly error: TransferredError }
  | {
      readonly type: 'started' | 'closed' | 'shutdown' | 'duplicated' | 'datagramsPaused';
      readonly server: number;
    }
  | { readonly type: 'drained'; readonly server: number; readonly unfinished: Unfinished }
  | { readonly type: 'stop'; readonly server: number; readonly timeout: number | undefined }
  | {
      readonly type: 'taken';
      readonly server: number;
      readonly request: number;
      readonly count: number;
      /** What a codec said that refused the bytes. */
      readonly error: TransferredError | null;
    }
  | {
      readonly type: 'listed';
      readonly server: number;
      readonly request: number;
      readonly connections: ConnectionInfo[];
    }
  | {
      readonly type: 'broadcast';
      readonly server: number;
      readonly request: number;
      readonly data: Uint8Array | string;
    }
  | {
      readonly type: 'sendTo';
      readonly server: number;
      readonly request: number;
      readonly address: string;
      readonly data: Uint8Array | string;
    }
  | {
      readonly type: 'log';
      readonly server: number;
      readonly level: keyof Logger;
      readonly message: string;
      readonly fields: object | undefined;
    };

/** Of a loop that the thread's program made by itself; `key` is that of the memory. */
export type OwnLoopMessage =
  | { readonly type: 'own'; readonly memory: SharedArrayBuffer }
  | { readonly type: 'ownEnded'; readonly key: string };

/** Where the thread writes down what it holds of OpenSSL; it may tell of several parts. */
export interface ObjectsMessage {
  readonly type: 'objects';
  readonly memory: SharedArrayBuffer;
}

/** How a thread knows that it is one of ours, in `workerData`. */
export interface LoopThreadData {
  readonly gnetLoopThread: {
    readonly index: number;
    readonly kind: 'program' | 'module';
    readonly port: import('node:worker_threads').MessagePort;
  };
}
