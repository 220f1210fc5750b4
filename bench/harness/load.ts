/** What a load generator is: it offers the work of one case and says what came of it. */

import type { Endpoint } from './peer.ts';

/** One cell of the matrix. */
export interface Case {
  /** Sockets. */
  readonly connections: number;
  /** Bytes of payload per message; 0 where the work has messages of its own. */
  readonly size: number;
  /** Messages in flight per socket. */
  readonly pipeline: number;
  /** What is asked for, where the work has several requests. */
  readonly command?: string;
}

export interface LoadRun {
  readonly work: string;
  readonly endpoint: Endpoint;
  readonly case: Case;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Whose CPU time is counted during the measured window: a server and its children. */
  readonly serverPids: readonly number[];
  /** Whose CPU time belongs to the load, such as a server behind the proxy that is measured. */
  readonly companionPids: readonly number[];
  readonly cores: string | null;
}

/** What happened in the measured window; errors over the whole run. */
export interface LoadResult {
  /** Messages that came back; a message that the window cut through counts by its bytes. */
  readonly requests: number;
  /** Payload in one direction; 0 where it is not of interest. */
  readonly bytes: number;
  readonly seconds: number;
  readonly latencyUs: {
    /** Each null where the load generator does not tell. */
    readonly p50: number | null;
    readonly p99: number | null;
    readonly p999: number | null;
    readonly max: number | null;
  };
  /** Datagrams without a reply. */
  readonly lost: number;
  readonly loadCpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** What a request costs the load depends on how the server sends: it is no measure of the machine. */
  readonly loadVaries?: true;
  /** Only of idle connections: resident memory that every one added to the server. */
  readonly bytesPerConnection?: number;
}

export interface Load {
  readonly name: string;
  unavailable(): string | null;
  build(): void;
  /** Rejects when a reply was wrong or missing: such a run has no figures. */
  run(run: LoadRun): Promise<LoadResult>;
}

export function addressText(endpoint: Endpoint): string {
  return endpoint.protocol === 'unix' ? endpoint.path : `127.0.0.1:${endpoint.port}`;
}
