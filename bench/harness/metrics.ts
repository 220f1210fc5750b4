/** What is read off a sample, in the words of each kind of work. */

import type { LoadResult } from './load.ts';

/** One round of one peer in one case. */
export interface Sample extends LoadResult {
  readonly peer: string;
  readonly round: number;
  readonly peakMemoryBytes: number | null;
}

/**
 * What figures say: time per request; the same per connection; memory that connections hold;
 * time until a server answers.
 */
export type Kind = 'requests' | 'connections' | 'memory' | 'start';

export interface Metric {
  /** Part of the names of files. */
  readonly name: string;
  /** Head of a column. */
  readonly column: string;
  /** What it is, for a plot. */
  readonly title: string;
  readonly unit: string;
  readonly better: 'less' | 'more';
  /** Null where a sample does not tell. */
  value(sample: Sample): number | null;
}

export function cpuUsPerRequest(sample: Sample): number {
  return (sample.serverCpuSeconds * 1e6) / sample.requests;
}

export function requestsPerSecond(sample: Sample): number {
  return sample.requests / sample.seconds;
}

const MIB = 2 ** 20;

function cpu(what: string, column: string): Metric {
  return {
    name: 'cpu',
    column,
    title: `CPU time of the server per ${what}`,
    unit: 'microseconds',
    better: 'less',
    value: cpuUsPerRequest,
  };
}

function pace(what: string, column: string): Metric {
  return {
    name: 'throughput',
    column,
    title: `${what} per second`,
    unit: `${what} per second`,
    better: 'more',
    value: requestsPerSecond,
  };
}

const CPU_PER_KIB: Metric = {
  name: 'cpu-per-kib',
  column: 'CPU us/KiB',
  title: 'CPU time of the server per KiB',
  unit: 'microseconds',
  better: 'less',
  value: (sample) =>
    sample.bytes === 0 ? null : (sample.serverCpuSeconds * 1e6) / (sample.bytes / 1024),
};

const BYTE_RATE: Metric = {
  name: 'bytes',
  column: 'MiB/s',
  title: 'payload per second in one direction',
  unit: 'MiB per second',
  better: 'more',
  value: (sample) => (sample.bytes === 0 ? null : sample.bytes / sample.seconds / MIB),
};

function latency(key: 'p50' | 'p99' | 'p999', percent: string): Metric {
  return {
    name: key === 'p99' ? 'latency' : `latency-${key}`,
    column: `p${percent} us`,
    title: `latency that ${percent} % of requests do not exceed`,
    unit: 'microseconds, in a closed loop',
    better: 'less',
    value: (sample) => sample.latencyUs[key],
  };
}

const P50 = latency('p50', '50');
const P99 = latency('p99', '99');
const P999 = latency('p999', '99.9');

const PEAK_MEMORY: Metric = {
  name: 'rss',
  column: 'RSS MiB',
  title: 'peak of resident memory',
  unit: 'MiB',
  better: 'less',
  value: ({ peakMemoryBytes }) => (peakMemoryBytes === null ? null : peakMemoryBytes / MIB),
};

const BYTES_PER_CONNECTION: Metric = {
  name: 'bytes-per-connection',
  column: 'B/connection',
  title: 'resident memory of the server per idle connection',
  unit: 'bytes, without those of the kernel',
  better: 'less',
  value: ({ bytesPerConnection }) => bytesPerConnection ?? null,
};

const START_TIME: Metric = {
  name: 'time',
  column: 'ms',
  title: 'time from starting the process to its first echo',
  unit: 'milliseconds',
  better: 'less',
  value: ({ seconds }) => seconds * 1000,
};

const START_CPU: Metric = {
  name: 'cpu',
  column: 'CPU ms',
  title: 'CPU time until the first echo',
  unit: 'milliseconds',
  better: 'less',
  value: ({ serverCpuSeconds }) => serverCpuSeconds * 1000,
};

export interface KindFacts {
  /** In the order of the table's columns; the first is the one that counts. */
  readonly columns: readonly Metric[];
  /** Put beside the others' as ratios. */
  readonly compared: readonly Metric[];
  /** Each becomes a figure. */
  readonly drawn: readonly Metric[];
}

const CPU_PER_REQUEST = cpu('request', 'CPU us/req');
const REQUEST_RATE = pace('requests', 'req/s');
const CPU_PER_CONNECTION = cpu('connection', 'CPU us/conn');
const CONNECTION_RATE = pace('connections', 'conn/s');

export const KINDS: Readonly<Record<Kind, KindFacts>> = {
  requests: {
    columns: [CPU_PER_REQUEST, CPU_PER_KIB, REQUEST_RATE, BYTE_RATE, P50, P99, P999, PEAK_MEMORY],
    compared: [CPU_PER_REQUEST, REQUEST_RATE],
    drawn: [CPU_PER_REQUEST, REQUEST_RATE, P99],
  },
  connections: {
    columns: [CPU_PER_CONNECTION, CONNECTION_RATE, P50, P99, P999, PEAK_MEMORY],
    compared: [CPU_PER_CONNECTION, CONNECTION_RATE],
    drawn: [CPU_PER_CONNECTION, CONNECTION_RATE],
  },
  memory: {
    columns: [BYTES_PER_CONNECTION, PEAK_MEMORY],
    compared: [BYTES_PER_CONNECTION],
    drawn: [BYTES_PER_CONNECTION],
  },
  start: {
    columns: [START_TIME, START_CPU, PEAK_MEMORY],
    compared: [START_TIME, START_CPU],
    drawn: [START_TIME],
  },
};
