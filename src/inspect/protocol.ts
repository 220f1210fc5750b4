/** What the page, `gnet top` and other programs get as JSON. */
import type { ConnectionInfo, ServerStats } from '../index.ts';

/** The process that the servers run in, as of one moment. */
export interface ProcessFacts {
  readonly pid: number;
  /** `node v26.10.0`. */
  readonly runtime: string;
  readonly uptimeSeconds: number;
  /** Milliseconds of CPU time that the process has used, in all threads. */
  readonly cpuMs: number;
  /** Bytes, as `process.memoryUsage()` tells them. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** One server, or client. */
export interface ServerFacts {
  /** Its first address, or `client`. */
  readonly name: string;
  readonly addrs: readonly string[];
  readonly state: 'running' | 'stopping' | 'closed';
  readonly multicore: boolean;
  /** Null if the program's own logger decides. */
  readonly logLevel: string | number | null;
  readonly stats: ServerStats;
}

/** The answer of `GET /api/stats`, and each event of `GET /api/events`. */
export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds between two events. */
  readonly interval: number;
  /** Connections cannot be closed here, nor levels set. */
  readonly readOnly: boolean;
  readonly process: ProcessFacts;
  readonly servers: readonly ServerFacts[];
}

/** A connection, and how much it has carried lately. */
export interface ConnectionRow extends ConnectionInfo {
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
}

/** What a list may be sorted by. */
export type SortKey = keyof ConnectionRow;

/** The answer of `GET /api/connections`. */
export interface ConnectionPage {
  /** Open connections of the server. */
  readonly total: number;
  /** Connections that were looked at: at most 10,000, the greatest of the order. */
  readonly seen: number;
  /** Of those, the ones that the filter leaves. */
  readonly matching: number;
  readonly rows: readonly ConnectionRow[];
}
