/** The kinds of work that are compared, each with its protocol, its load and its matrix. */

import { echoLoad } from './echo-load.ts';
import type { Case, Load } from './load.ts';
import type { Endpoint } from './peer.ts';

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly protocol: Endpoint['protocol'];
  readonly load: Load;
  /** The matrix that is measured when the command line does not narrow it. */
  readonly sizes: readonly number[];
  readonly connections: readonly number[];
  readonly pipelines: readonly number[];
}

export const WORKS: readonly Work[] = [
  {
    name: 'tcp-echo',
    title: 'TCP echo',
    protocol: 'tcp',
    load: echoLoad(),
    sizes: [64, 1024, 64 * 1024, 1024 * 1024],
    connections: [1, 100, 1000],
    pipelines: [1],
  },
  {
    name: 'unix-echo',
    title: 'Unix socket echo',
    protocol: 'unix',
    load: echoLoad(),
    sizes: [64, 1024, 64 * 1024],
    connections: [1, 50],
    pipelines: [1],
  },
  {
    name: 'udp-echo',
    title: 'UDP echo',
    protocol: 'udp',
    load: echoLoad(),
    sizes: [64, 1400],
    connections: [16],
    pipelines: [1, 8],
  },
];

export interface Selection {
  readonly sizes?: readonly number[];
  readonly connections?: readonly number[];
  readonly pipelines?: readonly number[];
  /** Bytes in flight over all connections, above which a case is left out. */
  readonly maxOutstandingBytes: number;
}

/**
 * The cases of a work, smallest first. A case with more bytes in flight than the limit is left
 * out: it would measure how the kernel moves through memory that no cache holds, not the server.
 */
export function casesOf(work: Work, selection: Selection): Case[] {
  const cases: Case[] = [];
  for (const size of selection.sizes ?? work.sizes) {
    for (const connections of selection.connections ?? work.connections) {
      for (const pipeline of selection.pipelines ?? work.pipelines) {
        const outstanding = size * connections * pipeline;
        if (outstanding <= selection.maxOutstandingBytes) {
          cases.push({ size, connections, pipeline });
        }
      }
    }
  }
  return cases;
}
