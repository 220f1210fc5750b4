/** Command-line flags that all examples share, and the line each prints when it listens. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { GnetError, isMainLoop, type Options, type Server, signalServer } from 'gnet';

export interface Flags {
  /** 0 takes a free port. */
  readonly port: number;
  /** The address to listen on; empty for all of this machine's. */
  readonly host: string;
  readonly reusePort: boolean;
  /** Milliseconds without a byte either way after which a connection is closed; 0 for never. */
  readonly idleMs: number;
  readonly multicore: boolean;
  /** 0 leaves it to `multicore`. */
  readonly loops: number;
  /** Path of a Unix socket. */
  readonly sock: string;
  /** Where a proxy goes on to: `host:port` or any other address. */
  readonly upstream: string;
  /** More wait until one of them ends. */
  readonly maxConnections: number;
  readonly tickMs: number;
  /** Microseconds to look for events before sleeping. */
  readonly busyPoll: number;
  /** The files for TLS; undefined without it. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** SIGUSR2 restarts it without losing a connection. */
  readonly graceful: boolean;
  /** The file that its process is found by; empty for none. */
  readonly pid: string;
}

export interface FlagDefaults {
  readonly host?: string;
  readonly idle?: string;
  readonly port?: number;
  readonly sock?: string;
  readonly tick?: string;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const DURATION_MAX_MS = 24 * 3_600_000;

/** `250ms`, `1s`, `1.5m` in milliseconds. */
function parseDuration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  if (value <= DURATION_MAX_MS) return value;
  throw new Error(`--${name} ${text}: write a duration such as 250ms or 1s, at most 24h`);
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

function parseTls(text: string): Flags['tls'] {
  if (text === '') return undefined;
  const [cert = '', key = ''] = text.split(',');
  if (cert !== '' && key !== '') return { cert, key };
  throw new Error(`--tls ${text}: write two files, the certificate and its key: cert.pem,key.pem`);
}

function parseHost(text: string): string {
  return text.includes(':') && !text.startsWith('[') ? `[${text}]` : text;
}

const help = `Flags that all examples know; each uses what means something to it:

  --port N          TCP or UDP port; 0 takes a free one
  --host ADDR       where to listen, such as 127.0.0.1; all addresses of this machine without it,
                    for redis.ts this machine alone
  --multicore true  an event loop per CPU, each on a thread of its own
  --loops N         as many event loops; 0 leaves it to --multicore
  --reuseport true  each loop listens by itself, beside other servers that do the same
  --sock PATH       Unix socket
  --upstream ADDR   where a proxy goes on to, such as 127.0.0.1:8080
  --max-connections N  as many in each loop; more wait until one ends
  --tick TIME       how often something happens by itself, such as 250ms or 1s
  --idle TIME       closes a connection that is silent both ways for that long; 0s for never
  --busy-poll N     microseconds to look for events before sleeping
  --tls CERT,KEY    speaks TLS with these two files
  --graceful        SIGUSR2 starts the program again, without losing a connection
  --pid FILE        a file with the number of the process that serves
  --reload, --stop  tells the program behind --pid to do so, and ends
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
      host: { type: 'string', default: defaults.host ?? '' },
      reuseport: { type: 'string', default: 'false' },
      idle: { type: 'string', default: defaults.idle ?? '5m' },
      multicore: { type: 'string', default: 'false' },
      loops: { type: 'string', default: '0' },
      sock: { type: 'string', default: defaults.sock ?? 'echo.sock' },
      upstream: { type: 'string', default: '127.0.0.1:8080' },
      'max-connections': { type: 'string', default: '1000' },
      tick: { type: 'string', default: defaults.tick ?? '0s' },
      'busy-poll': { type: 'string', default: '0' },
      tls: { type: 'string', default: '' },
      graceful: { type: 'boolean', default: false },
      pid: { type: 'string', default: '' },
      reload: { type: 'boolean', default: false },
      stop: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  if (values.reload || values.stop) tell(values.stop ? 'stop' : 'reload', values.pid);
  return {
    port: parseCount('port', values.port, 65_535),
    host: parseHost(values.host),
    reusePort: parseBoolean('reuseport', values.reuseport),
    idleMs: parseDuration('idle', values.idle),
    multicore: parseBoolean('multicore', values.multicore),
    loops: parseCount('loops', values.loops, 4_096),
    sock: values.sock,
    upstream: values.upstream,
    maxConnections: parseCount('max-connections', values['max-connections'], 1_000_000),
    tickMs: parseDuration('tick', values.tick),
    busyPoll: parseCount('busy-poll', values['busy-poll'], 1_000_000),
    tls: parseTls(values.tls),
    graceful: values.graceful,
    pid: values.pid,
  };
}

/** Tells the program that runs already, and ends this one. */
function tell(action: 'reload' | 'stop', pidFile: string): never {
  if (pidFile === '') throw new Error(`--${action}: write --pid FILE, too`);
  const pid = signalServer(pidFile, action);
  process.stdout.write(`process ${pid} was told to ${action}\n`);
  process.exit(0);
}

/**
 * What the flags say, and limits: without them, whoever can connect decides how much memory and how
 * many descriptors this process takes. Together they come to about 1.8 GiB for each loop at worst;
 * docs/security.md has the sum.
 */
export function serveOptions(flags: Flags): Options {
  const { multicore, loops: numEventLoop, busyPoll, reusePort, idleMs, tls, pid } = flags;
  return {
    ...(tls && { tls }),
    ...(pid !== '' && { pidName: pid }),
    graceful: flags.graceful,
    multicore,
    numEventLoop,
    busyPoll,
    reusePort,
    maxConnections: flags.maxConnections,
    maxInboundBytes: 256 * 1024,
    highWaterMark: 256 * 1024,
    maxOutboundBytes: 1024 * 1024,
    // Nobody holds a place for nothing, nor by reading a byte now and then.
    idleTimeout: idleMs,
    writeTimeout: 30_000,
  };
}

/** What a call of the runtime failed with. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** For `serve(...).catch(endWithReason)`: a taken port is said in one line, with status 1. */
export function endWithReason(error: unknown): never {
  // In a loop's thread the main one hears of it. What is no reason is a fault of the program.
  if (!isMainLoop || !(error instanceof GnetError || isSystemError(error))) throw error;
  process.stderr.write(`${programName()} cannot start: ${error.message}\n`);
  process.exit(1);
}

function programName(): string {
  return basename(process.argv[1] ?? 'example').replace(/\.[jt]s$/, '');
}

/**
 * Says where the server listens, and stops it in order on Ctrl-C and SIGTERM. Once: with several
 * loops this program runs in each of their threads, too.
 */
export function announce(server: Server, scheme: string): void {
  if (!isMainLoop) return;
  const cores = `multi-cores: ${server.multicore}, loops: ${server.numEventLoop}`;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.stop());
  }
  // Last: whoever waits for this line may end the server at once.
  process.stdout.write(`${programName()} is listening on ${scheme}://${server.addr} (${cores})\n`);
}
