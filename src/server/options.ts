import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ErrInvalidOption } from '../base/errors.ts';
import { loopsMax } from '../base/limits.ts';
import type { CodecOption } from '../codec/codec.ts';
import { codecFor } from '../codec/codec-for.ts';
import { checkTimeout } from '../connection/timeout-values.ts';
import { backendGiven, type GivenDriver } from '../driver/given-driver.ts';
import { type LogLevelName, parseLogLevel } from '../logging/log-level.ts';
import { adaptLogger, type LoggerOption } from '../logging/logger.ts';
import {
  asBoolean,
  int32Max,
  invalidOption,
  limit,
  milliseconds,
  nearestName,
  type OptionCheck,
  oneOf,
  oneWordOf,
  wholeNumber,
} from '../base/option-checks.ts';
import {
  type DriverOption,
  LoadBalancing,
  type Options,
  type ResolvedOptions,
  TCPSocketOpt,
} from './option-types.ts';

import type { TlsClientOptions, TlsServerOptions } from '../tls/options/types.ts';
import { defaultSlowHandler, inDevelopment } from './development-mode.ts';
import { asGraceful, gracefulSettings } from './restart/settings.ts';
import { asLeakDetection, leakSettings } from './leak-option.ts';
import { asUdp, asUdpSessions, udpSessionSettings, udpSettings } from './udp-options.ts';
import { asProxyProtocol, proxyProtocolSettings } from './proxy-option.ts';

export * from './option-types.ts';

/** What the machine decides; tests replace it. Each is asked only when it is needed. */
export interface OptionEnvironment {
  /** CPUs that this process may use. */
  readonly cpuCount: () => number;
  /** The default of `backlog`. */
  readonly systemBacklog: () => number;
}

/** The defaults that are numbers, in the unit of the option. */
const optionDefaults = {
  readBufferCap: 65_536,
  closeTimeout: 5_000,
  handshakeTimeout: 10_000,
  highWaterMark: 1_048_576,
  lowWaterMark: 262_144,
  maxOutboundBytes: 67_108_864,
  maxInboundBytes: 16_777_216,
} as const;

const readBufferCapMin = 2;
const readBufferCapMax = 2 ** 30;
const backlogMax = 65_535;
/** What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL. */
const keepAliveSecondsMax = 32_767;

const keepAliveProbesMax = 127;
const writeBufferCapMin = 4_096;
const writeBufferCapMax = 2 ** 24;
/** IFNAMSIZ and TCP_CA_NAME_MAX, less the zero byte. */
const kernelNameMax = 15;

/** Each option as it was given, of the right type and within its range; only what was given. */
type Checked = { [Name in keyof Options]?: NonNullable<Options[Name]> } & {
  logLevel?: LogLevelName;
};

const byteCount = wholeNumber(0, Number.MAX_SAFE_INTEGER, 'bytes');
const socketBuffer = wholeNumber(0, int32Max, 'bytes');
const anyWholeNumber = (unit: string) =>
  wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, unit);

/** One check per option: the types make sure that none is missing. */
const checks: { [Name in keyof Options]-?: OptionCheck<NonNullable<Options[Name]>> } = {
  multicore: asBoolean,
  numEventLoop: anyWholeNumber('loops'),
  loopNum: anyWholeNumber('loops'),
  loadBalancing: oneOf(LoadBalancing),
  lockOSThread: asBoolean,
  shared: asShared,
  readBufferCap: wholeNumber(-Number.MAX_SAFE_INTEGER, readBufferCapMax, 'bytes'),
  writeBufferCap: wholeNumber(-Number.MAX_SAFE_INTEGER, writeBufferCapMax, 'bytes'),
  reusePort: asBoolean,
  ticker: asBoolean,
  tcpKeepAlive: milliseconds(keepAliveSecondsMax * 1_000),
  tcpKeepInterval: milliseconds(keepAliveSecondsMax * 1_000),
  tcpKeepCount: wholeNumber(0, keepAliveProbesMax, 'probes'),
  bindToDevice: asKernelName,
  deferAccept: milliseconds(keepAliveSecondsMax * 1_000),
  fastOpen: wholeNumber(0, backlogMax, 'connections'),
  congestion: asKernelName,
  receiveDescriptors: asBoolean,
  tcpNoDelay: (name, value) =>
    typeof value === 'boolean'
      ? value
      : oneOf({ true: true, false: false, ...TCPSocketOpt })(name, value),
  socketRecvBuffer: socketBuffer,
  socketSendBuffer: socketBuffer,
  codec: asCodec,
  logPath: asText,
  logLevel: asLogLevel,
  logger: asLogger,
  tls: asTls,
  graceful: asGraceful,
  pidName: asText,
  writeTimeout: checkTimeout,
  block: asBoolean,
  driver: asDriver,
  backlog: wholeNumber(1, backlogMax, 'connections'),
  maxConnections: limit('connections'),
  idleTimeout: checkTimeout,
  readTimeout: checkTimeout,
  closeTimeout: checkTimeout,
  handshakeTimeout: checkTimeout,
  proxyProtocol: asProxyProtocol,
  udp: asUdp,
  udpSessions: asUdpSessions,
  allowHalfOpen: asBoolean,
  highWaterMark: byteCount,
  lowWaterMark: byteCount,
  maxOutboundBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  maxInboundBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  overflow: oneWordOf(['pause', 'close', 'none']),
  maxFrameLength: limit('bytes'),
  busyPoll: wholeNumber(0, int32Max, 'microseconds'),
  slowHandler: checkTimeout,
  histograms: asBoolean,
  leakDetection: asLeakDetection,
  signal: asSignal,
};

/** The names of all options, in the order of the documentation. */
export const optionNames: readonly (keyof Options)[] = Object.keys(checks) as (keyof Options)[];

const machine: OptionEnvironment = { cpuCount: availableParallelism, systemBacklog };

/**
 * Checks every option and fills in the defaults.
 * @throws ErrInvalidOption naming the option, what was given and what is wanted; also for unknown
 * names and for options that contradict each other.
 */
export function resolveOptions(
  options: Options<unknown> = {},
  environment: OptionEnvironment = machine,
): ResolvedOptions {
  const given = checkEach(options);
  const loops = countLoops(given, environment);
  const tcpKeepAlive = given.tcpKeepAlive ?? 0;
  needsKeepAlive('tcpKeepInterval', given.tcpKeepInterval, tcpKeepAlive);
  needsKeepAlive('tcpKeepCount', given.tcpKeepCount, tcpKeepAlive);
  return {
    multicore: given.multicore ?? false,
    numEventLoop: loops,
    loopsByMulticore: (given.numEventLoop ?? given.loopNum ?? 0) <= 0,
    loadBalancing: given.loadBalancing ?? LoadBalancing.RoundRobin,
    lockOSThread: given.lockOSThread ?? false,
    shared: given.shared,
    reusePort: given.reusePort ?? false,
    ticker: given.ticker ?? false,
    tcpKeepAlive,
    keepAliveSeconds: Math.ceil(tcpKeepAlive / 1_000),
    tcpKeepInterval: given.tcpKeepInterval ?? 0,
    tcpKeepCount: given.tcpKeepCount ?? 0,
    bindToDevice: given.bindToDevice ?? '',
    congestion: given.congestion ?? '',
    receiveDescriptors: given.receiveDescriptors ?? false,
    deferAccept: given.deferAccept ?? 0,
    fastOpen: given.fastOpen ?? 0,
    writeBufferCap: powerOfTwo(given.writeBufferCap ?? 0, writeBufferCapMin),
    tcpNoDelay: isNoDelay(given.tcpNoDelay),
    socketRecvBuffer: given.socketRecvBuffer ?? 0,
    socketSendBuffer: given.socketSendBuffer ?? 0,
    codec: given.codec,
    tls: given.tls,
    logPath: given.logPath,
    logLevel: given.logLevel,
    logger: given.logger,
    graceful: gracefulSettings(given.graceful),
    pidName: given.pidName,
    writeTimeout: given.writeTimeout ?? 0,
    block: given.block ?? false,
    driver: given.driver ?? 'auto',
    backlog: given.backlog ?? environment.systemBacklog(),
    maxConnections: given.maxConnections ?? Infinity,
    idleTimeout: given.idleTimeout ?? 0,
    readTimeout: given.readTimeout ?? 0,
    closeTimeout: given.closeTimeout ?? optionDefaults.closeTimeout,
    handshakeTimeout: given.handshakeTimeout ?? optionDefaults.handshakeTimeout,
    proxyProtocol: proxyProtocolSettings(given.proxyProtocol),
    udp: udpSettings(given.udp, powerOfTwo(given.readBufferCap ?? 0)),
    udpSessions: udpSessionSettings(given.udpSessions),
    allowHalfOpen: given.allowHalfOpen ?? false,
    overflow: given.overflow ?? 'pause',
    busyPoll: given.busyPoll ?? 0,
    slowHandler: given.slowHandler ?? defaultSlowHandler(),
    slowHandlerAsked: given.slowHandler !== undefined || !inDevelopment(),
    histograms: given.histograms ?? false,
    leakDetection: leakSettings(given.leakDetection),
    signal: given.signal,
    ...resolveInbound(given),
    ...resolveOutbound(given),
  };
}

/** @throws ErrInvalidOption */
export function checkOptionsObject(options: unknown): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new ErrInvalidOption('cannot use the options: give an object such as { ticker: true }');
}

function checkEach(options: Options<unknown>): Checked {
  checkOptionsObject(options);
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownOption(name);
    if (value !== undefined) checked[name] = checks[name as keyof Options](name, value);
  }
  return checked as Checked;
}

function unknownOption(name: string): ErrInvalidOption {
  const nearest = nearestName(name, optionNames);
  const hint = nearest === undefined ? `known are ${optionNames.join(', ')}` : `is it ${nearest}?`;
  return new ErrInvalidOption(`cannot use option ${name}: there is no such option; ${hint}`);
}

function countLoops(given: Checked, environment: OptionEnvironment): number {
  const { numEventLoop, loopNum } = given;
  if (numEventLoop !== undefined && loopNum !== undefined && numEventLoop !== loopNum) {
    throw contradiction('loopNum', loopNum, 'equal to', 'numEventLoop', numEventLoop);
  }
  const wanted = numEventLoop ?? loopNum ?? 0;
  // The number of its loop is a part of each connection's id.
  if (wanted > loopsMax) {
    throw invalidOption('numEventLoop', wanted, `a whole number up to ${loopsMax} (loops)`);
  }
  if (typeof given.driver === 'object') {
    if (wanted <= 1) return 1;
    throw invalidOption(
      'numEventLoop',
      wanted,
      '1: a driver that is given as a value has one loop',
    );
  }
  if (wanted > 0) return wanted;
  const cpus = given.multicore === true ? environment.cpuCount() : 1;
  return Math.min(Math.max(1, cpus), loopsMax);
}

function resolveInbound(given: Checked) {
  const readBufferCap = powerOfTwo(given.readBufferCap ?? 0);
  const maxInboundBytes =
    given.maxInboundBytes ?? Math.max(optionDefaults.maxInboundBytes, readBufferCap);
  // One read must fit, or a connection could be closed for bytes that it never held back.
  if (maxInboundBytes < readBufferCap) {
    throw contradiction('maxInboundBytes', maxInboundBytes, '>=', 'readBufferCap', readBufferCap);
  }
  const maxFrameLength = given.maxFrameLength ?? Infinity;
  if (maxFrameLength !== Infinity && maxFrameLength > maxInboundBytes) {
    throw contradiction('maxFrameLength', maxFrameLength, '<=', 'maxInboundBytes', maxInboundBytes);
  }
  return { readBufferCap, maxInboundBytes, maxFrameLength };
}

/** Marks that were not given make room for those that were. */
function resolveOutbound(given: Checked) {
  const defaultHigh = Math.min(
    Math.max(optionDefaults.highWaterMark, given.lowWaterMark ?? 0),
    given.maxOutboundBytes ?? Infinity,
  );
  const highWaterMark = given.highWaterMark ?? defaultHigh;
  const lowWaterMark =
    given.lowWaterMark ?? Math.min(optionDefaults.lowWaterMark, Math.floor(highWaterMark / 4));
  const maxOutboundBytes =
    given.maxOutboundBytes ?? Math.max(optionDefaults.maxOutboundBytes, highWaterMark);
  if (lowWaterMark > highWaterMark) {
    throw contradiction('lowWaterMark', lowWaterMark, '<=', 'highWaterMark', highWaterMark);
  }
  if (highWaterMark > maxOutboundBytes) {
    throw contradiction('highWaterMark', highWaterMark, '<=', 'maxOutboundBytes', maxOutboundBytes);
  }
  return { highWaterMark, lowWaterMark, maxOutboundBytes };
}

function contradiction(
  name: string,
  value: number,
  relation: string,
  other: string,
  otherValue: number,
): ErrInvalidOption {
  return invalidOption(name, value, `a number ${relation} ${other}, which is ${otherValue}`);
}

/** Throws, so that no program believes that there are probes. */
function needsKeepAlive(name: string, given: number | undefined, tcpKeepAlive: number): void {
  if (given === undefined || given === 0 || tcpKeepAlive > 0) return;
  throw invalidOption(name, given, 'it with tcpKeepAlive: without it there are no probes');
}

function powerOfTwo(bytes: number, least = readBufferCapMin): number {
  if (bytes <= 0) return optionDefaults.readBufferCap;
  return Math.max(least, 2 ** Math.ceil(Math.log2(bytes)));
}

function isNoDelay(given: boolean | TCPSocketOpt | undefined): boolean {
  return typeof given === 'boolean' ? given : given !== TCPSocketOpt.TCPDelay;
}

function asText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw invalidOption(name, value, 'the path of a file');
}

/** Also with one loop: a program should not break when it gets more. */
function asShared(name: string, value: unknown): NonNullable<unknown> {
  try {
    structuredClone(value);
  } catch {
    throw invalidOption(name, value, 'what can be sent to other threads: no functions, no sockets');
  }
  return value as NonNullable<unknown>;
}

function asKernelName(name: string, value: unknown): string {
  const isName = typeof value === 'string' && /^[!-.0-~]+$/.test(value);
  if (isName && value.length <= kernelNameMax) return value;
  throw invalidOption(
    name,
    value,
    `a name of at most ${kernelNameMax} letters, as the kernel has it`,
  );
}

/** Only looked at here: the loop calls `codecFor` itself. */
function asCodec(_name: string, value: unknown): CodecOption {
  codecFor(value as CodecOption<unknown>);
  return value as CodecOption;
}

function asLogLevel(name: string, value: unknown): LogLevelName {
  return parseLogLevel(value, `option ${name}`);
}

const asDriverName = oneWordOf(['auto', 'io_uring', 'epoll', 'kqueue', 'node']);

function asDriver(name: string, value: unknown): DriverOption | GivenDriver {
  return backendGiven(value) === undefined ? asDriverName(name, value) : (value as GivenDriver);
}

/** Only looked at here: what it has is checked where the files are read. */
function asTls(name: string, value: unknown): TlsServerOptions | TlsClientOptions {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalidOption(name, value, 'an object with at least key and cert');
}

/** Only looked at here: `createLogger` adapts it once the server starts. */
function asLogger(_name: string, value: unknown): LoggerOption {
  adaptLogger(value as LoggerOption);
  return value as LoggerOption;
}

function asSignal(name: string, value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw invalidOption(name, value, 'the signal of an AbortController');
}

/** net.core.somaxconn, at most 65,535; 128 where the kernel does not tell. */
function systemBacklog(): number {
  try {
    const limitOfSystem = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'));
    if (limitOfSystem >= 1) return Math.min(limitOfSystem, backlogMax);
  } catch {
    // Not Linux, or no /proc here.
  }
  return 128;
}
