/**
 * Two processes of node:cluster, each with the server of another peer; the kernel is not asked to
 * share the port, the main process hands connections out by turns, as is its default.
 *
 * usage: node cluster.ts PROGRAM [ARGUMENT ...]
 */

import cluster from 'node:cluster';

const WORKERS = 2;

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  console.error('usage: node cluster.ts PROGRAM [ARGUMENT ...]');
  process.exit(2);
}
cluster.setupPrimary({ exec: program, args });
for (let i = 0; i < WORKERS; i++) cluster.fork();
