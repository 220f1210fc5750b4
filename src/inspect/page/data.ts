/**
 * What the page reads of the data that it gets: a part of `protocol.ts`, which must fit. In words of
 * its own, so that the page is checked as code of a browser, without the types of the server.
 */

export interface HistogramData {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export interface HistogramsData {
  readonly turnMs: HistogramData;
  readonly handlerMs: HistogramData;
  readonly acceptWaitMs: HistogramData;
  readonly frameBytes: HistogramData;
}

interface LoopFigures {
  readonly connections: number;
  readonly accepted: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly frames: number;
  readonly utilization: number;
  readonly histograms?: HistogramsData | undefined;
}

export interface ServerData {
  readonly name: string;
  readonly addrs: readonly string[];
  readonly state: string;
  readonly logLevel: string | number | null;
  readonly stats: {
    readonly driver: string;
    readonly host: string;
    readonly driversRefused: readonly { readonly name: string; readonly reason: string }[];
    readonly tls?: { readonly engine: string; readonly version: string } | undefined;
    readonly connections: number;
    readonly loops: readonly LoopFigures[];
  };
}

export interface SnapshotData {
  readonly time: number;
  readonly readOnly: boolean;
  readonly process: {
    readonly pid: number;
    readonly runtime: string;
    readonly uptimeSeconds: number;
    readonly cpuMs: number;
    readonly rss: number;
    readonly heapUsed: number;
    readonly external: number;
  };
  readonly servers: readonly ServerData[];
}

export interface RowData {
  readonly id: number;
  readonly loop: number;
  readonly remoteAddr: string;
  readonly localAddr: string;
  readonly state: string;
  readonly age: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
  readonly inboundBuffered: number;
  readonly outboundBuffered: number;
}

export interface ListData {
  readonly total: number;
  readonly seen: number;
  readonly matching: number;
  readonly rows: readonly RowData[];
}
