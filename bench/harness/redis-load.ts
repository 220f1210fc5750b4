/** `redis-benchmark`, the load generator for RESP. */

import { connect } from 'node:net';
import { buildWindow, foreignLoadMissing, runInWindow } from './foreign-load.ts';
import type { Load, LoadResult, LoadRun } from './load.ts';
import type { Endpoint } from './peer.ts';

/** How it names what we call by the name of the command. */
const TEST_NAMES: Readonly<Record<string, string>> = { PING: 'ping_mbulk' };
/** Requests of the run that finds out how many fill a window. */
const PROBE_REQUESTS = 20_000;
const CHECK_TIMEOUT_MS = 5_000;
const MILLISECOND_US = 1_000;

export const RESP_COMMANDS = ['PING', 'SET', 'GET', 'INCR', 'MSET'] as const;

export function redisLoad(): Load {
  return {
    name: 'redis-benchmark',
    unavailable: () => foreignLoadMissing('redis-benchmark', 'redis-tools'),
    build: buildWindow,
    async run(run) {
      const { endpoint } = run;
      if (endpoint.protocol !== 'tcp') throw new Error('RESP is measured over TCP');
      await checkReplies(endpoint);
      // It takes a number of requests, not a time: what a short run reaches says how many.
      const probe = await runBenchmark(run, endpoint.port, PROBE_REQUESTS);
      const pace = probe.requests / probe.seconds;
      if (run.warmupSeconds > 0) {
        await runBenchmark(run, endpoint.port, Math.ceil(pace * run.warmupSeconds));
      }
      return runBenchmark(run, endpoint.port, Math.ceil(pace * run.seconds));
    },
  };
}

async function runBenchmark(run: LoadRun, port: number, requests: number): Promise<LoadResult> {
  const { connections, pipeline, command = 'PING' } = run.case;
  const args = ['-h', '127.0.0.1', '-p', `${port}`, '-c', `${connections}`, '-P', `${pipeline}`];
  args.push('-n', `${requests}`, '-t', TEST_NAMES[command] ?? command.toLowerCase(), '-e', '--csv');
  const load = { program: 'redis-benchmark', args };
  const { output, window } = await runInWindow(run, load, run.seconds);
  const figures = readCsv(output);
  return {
    ...window,
    requests,
    bytes: 0,
    // Its own time: the window also has its start and its end, where nothing is asked for.
    seconds: requests / figures.requestsPerSecond,
    latencyUs: figures.latencyUs,
    lost: 0,
  };
}

/** The table of one test. Throws when there is anything else, such as an error of the server. */
function readCsv(output: string) {
  const lines = output.split('\n').filter((line) => line.startsWith('"'));
  const cells = lines.map((line) => line.replaceAll('"', '').split(','));
  const [names, values] = cells;
  if (names === undefined || values === undefined || cells.length !== 2 || /error/i.test(output)) {
    throw new Error(`redis-benchmark printed: ${output.slice(0, 600)}`);
  }
  const of = (name: string): number => {
    const value = Number(values[names.indexOf(name)]);
    if (!(value >= 0)) throw new Error(`redis-benchmark did not tell ${name}: ${output}`);
    return value;
  };
  return {
    requestsPerSecond: of('rps'),
    latencyUs: {
      p50: of('p50_latency_ms') * MILLISECOND_US,
      p99: of('p99_latency_ms') * MILLISECOND_US,
      p999: null,
      max: of('max_latency_ms') * MILLISECOND_US,
    },
  };
}

/** What the load sends and the replies that Redis gives; the load itself looks at errors only. */
const DIALOGUE: readonly (readonly [readonly string[], string])[] = [
  [['PING'], '+PONG\r\n'],
  [['SET', 'key:__rand_int__', 'xxx'], '+OK\r\n'],
  [['GET', 'key:__rand_int__'], '$3\r\nxxx\r\n'],
  [['SET', 'bench:counter', '41'], '+OK\r\n'],
  [['INCR', 'bench:counter'], ':42\r\n'],
  [['MSET', 'bench:a', '1', 'bench:b', '22'], '+OK\r\n'],
  [['GET', 'bench:b'], '$2\r\n22\r\n'],
];

/** Sends everything at once, and leaves the value behind that GET is measured with. */
function checkReplies(endpoint: Endpoint & { readonly protocol: 'tcp' | 'udp' }): Promise<void> {
  const requests = DIALOGUE.map(([words]) => encode(words)).join('');
  const expected = DIALOGUE.map(([, reply]) => reply).join('');
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(endpoint.port, '127.0.0.1', () => socket.write(requests));
    const end = (error?: Error): void => {
      socket.destroy();
      if (error !== undefined) reject(error);
      else if (text === expected) resolve();
      else reject(new Error(`wrong replies: ${JSON.stringify(text)}`));
    };
    socket.setTimeout(CHECK_TIMEOUT_MS, () => end());
    socket.on('error', end);
    socket.on('close', () => end());
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      if (text.length >= expected.length) end();
    });
  });
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}
