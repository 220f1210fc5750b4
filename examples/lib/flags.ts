/** Command-line flags that all examples share, and the line each prints when it listens. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainLoop, type Options, type Server } from 'gnet';

export interface Flags {
  /** 0 takes a free port. */
  readonly port: number;
  readonly multicore: boolean;
  /** 0 leaves it to `multicore`. */
  readonly loops: number;
  /** Path of a Unix socket. */
  readonly sock: string;
  /** Where a proxy goes on to: `host:port` or any other address. */
  readonly upstream: string;
  readonly tickMs: number;
  /** Microseconds to look for events before sleeping. */
  readonly busyPoll: number;
}

export interface FlagDefaults {
  readonly port?: number;
  readonly sock?: string;
  readonly tick?: string;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `250ms`, `1s`, `1.5m` in milliseconds. */
function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new Error(`--tick ${text}: write a duration such as 250ms or 1s`);
  return Number(match[1]) * (unitMs[match[2] as string] as number);
}

function parseCount(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) {
    throw new Error(`--${name} ${text}: write a whole number from 0 to ${max}`);
  }
  return value;
}

function parseBoolean(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`--${name} ${text}: write true or false`);
}

const help = `Flags that all examples know; each uses what means something to it:

  --port N          TCP or UDP port; 0 takes a free one
  --multicore true  an event loop per CPU, each on a thread of its own
  --loops N         as many event loops; 0 leaves it to --multicore
  --sock PATH       Unix socket
  --upstream ADDR   where a proxy goes on to, such as 127.0.0.1:8080
  --tick TIME       how often something happens by itself, such as 250ms or 1s
  --busy-poll N     microseconds to look for events before sleeping
  --help            this text

GNET_DRIVER=epoll, io_uring or node chooses the driver.
`;

/** Prints the flags and ends the program when asked to, and ends it with status 2 when one is wrong. */
export function readFlags(defaults: FlagDefaults = {}): Flags {
  try {
    return parseFlags(defaults);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nSee --help.\n`);
    process.exit(2);
  }
}

function parseFlags(defaults: FlagDefaults): Flags {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(defaults.port ?? 9_000) },
      multicore: { type: 'string', default: 'false' },
      loops: { type: 'string', default: '0' },
      sock: { type: 'string', default: defaults.sock ?? 'echo.sock' },
      upstream: { type: 'string', default: '127.0.0.1:8080' },
      tick: { type: 'string', default: defaults.tick ?? '0s' },
      'busy-poll': { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  return {
    port: parseCount('port', values.port, 65_535),
    multicore: parseBoolean('multicore', values.multicore),
    loops: parseCount('loops', values.loops, 4_096),
    sock: values.sock,
    upstream: values.upstream,
    tickMs: parseDuration(values.tick),
    busyPoll: parseCount('busy-poll', values['busy-poll'], 1_000_000),
  };
}

export function serveOptions(flags: Flags): Options {
  const { multicore, loops: numEventLoop, busyPoll } = flags;
  return { multicore, numEventLoop, busyPoll };
}

/**
 * Says where the server listens, and stops it in order on Ctrl-C and SIGTERM. Once: with several
 * loops this program runs in each of their threads, too.
 */
export function announce(server: Server, scheme: string): void {
  if (!isMainLoop) return;
  const name = basename(process.argv[1] ?? 'example').replace(/\.[jt]s$/, '');
  const cores = `multi-cores: ${server.multicore}, loops: ${server.numEventLoop}`;
  process.stdout.write(`${name} is listening on ${scheme}://${server.addr} (${cores})\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.stop());
  }
}
