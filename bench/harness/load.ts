/** What a load generator is: it offers the work of one case and says what came of it. */

import type { Endpoint } from './peer.ts';

/** One cell of the matrix. */
export interface Case {
  /** Sockets. */
  readonly connections: number;
  /** Bytes of payload per message. */
  readonly size: number;
  /** Messages in flight per socket. */
  readonly pipeline: number;
}

export interface LoadRun {
  readonly work: string;
  readonly endpoint: Endpoint;
  readonly case: Case;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Whose CPU time is counted during the measured window. */
  readonly serverPid: number;
  readonly cores: string | null;
}

/** What happened in the measured window; errors over the whole run. */
export interface LoadResult {
  /** Messages that came back; a message that the window cut through counts by its bytes. */
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly latencyUs: {
    readonly p50: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
  /** Datagrams without a reply. */
  readonly lost: number;
  readonly loadCpuSeconds: number;
  readonly serverCpuSeconds: number;
}

export interface Load {
  readonly name: string;
  unavailable(): string | null;
  build(): void;
  /** Rejects when a reply was wrong or missing: such a run has no figures. */
  run(run: LoadRun): Promise<LoadResult>;
}
