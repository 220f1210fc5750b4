import { environment } from '../base/environment.ts';
import { ErrInvalidOption } from '../base/errors.ts';
import { requireInstalled } from '../base/own-file.ts';
import { cutText, foreignTextMax, textOf } from '../base/thrown.ts';
import { isLogged, type LogLevel, type LogLevelName, parseLogLevel } from './log-level.ts';
import { adaptLogger, type Logger, type LoggerOption } from './logger.ts';
import { RollingFile, type RollingFileLimits, writeAll } from './rolling-file.ts';

export interface LoggerSettings {
  /** Takes the place of the default logger; path, level and environment then have no effect. */
  readonly logger?: LoggerOption | undefined;
  /** A rolling file instead of standard error. Default: GNET_LOGGING_FILE, else none. */
  readonly logPath?: string | undefined;
  /** Default: GNET_LOGGING_LEVEL, else `info` with a file and `warn` without. */
  readonly logLevel?: LogLevel | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly limits?: RollingFileLimits;
  /** Where lines go without a file; standard error by default. */
  readonly standardError?: LineDestination;
}

export interface LineDestination {
  write(line: string): void;
}

/** A logger and the way to give back what it holds. */
export interface OwnedLogger {
  readonly logger: Logger;
  /** Gives back the descriptor of the log file. Lines that come later are still written. */
  close(): void;
}

/**
 * The logger of one server. pino is loaded with the first line that is written, so a server that
 * has nothing to say pays nothing for it.
 * @throws ErrInvalidOption for a bad level, path or logger, also one from the environment.
 * @throws SyscallError when the log file cannot be opened.
 */
export function createLogger(settings: LoggerSettings = {}): OwnedLogger {
  if (settings.logger !== undefined) {
    return { logger: adaptLogger(settings.logger), close: () => {} };
  }
  const variables = settings.environment ?? environment;
  const path = chooseFile(settings.logPath, variables['GNET_LOGGING_FILE']);
  const level = chooseLevel(settings.logLevel, variables['GNET_LOGGING_LEVEL'], path);
  if (path === undefined) {
    const destination = settings.standardError ?? standardError;
    return { logger: leveledLogger(level, destination), close: () => {} };
  }
  const file = new RollingFile(path, settings.limits);
  return { logger: leveledLogger(level, file), close: () => file.close() };
}

const standardError: LineDestination = {
  write(line) {
    try {
      writeAll(2, Buffer.from(line));
    } catch {
      // Standard error has no reader any more, or its pipe is full: the server continues without
      // logging.
    }
  },
};

function chooseFile(option: unknown, variable: string | undefined): string | undefined {
  if (option === undefined) return variable === '' ? undefined : variable;
  if (typeof option === 'string' && option !== '' && !option.includes('\0')) return option;
  throw new ErrInvalidOption(
    `cannot use ${JSON.stringify(option)} as option logPath: give the path of a file`,
  );
}

function chooseLevel(
  option: LogLevel | undefined,
  variable: string | undefined,
  path: string | undefined,
): LogLevelName {
  if (option !== undefined) return parseLogLevel(option, 'option logLevel');
  if (variable !== undefined && variable !== '') {
    return parseLogLevel(variable, 'environment variable GNET_LOGGING_LEVEL');
  }
  return path === undefined ? 'warn' : 'info';
}

function leveledLogger(threshold: LogLevelName, destination: LineDestination): Logger {
  let loaded: Logger | undefined;
  const call = (level: keyof Logger, message: string, fields: object | undefined): void => {
    if (!isLogged(level, threshold)) return;
    try {
      loaded ??= loadPino(threshold, destination);
    } catch {
      // Loading takes descriptors, and "none is left" may be just what there is to say.
      destination.write(plainLine(level, message, fields));
      return;
    }
    loaded[level](message, fields);
  };
  return {
    debug: (message, fields) => call('debug', message, fields),
    info: (message, fields) => call('info', message, fields),
    warn: (message, fields) => call('warn', message, fields),
    error: (message, fields) => call('error', message, fields),
    fatal: (message, fields) => call('fatal', message, fields),
  };
}

/** A line in pino's form, for when pino cannot be loaded; the next line tries again. */
function plainLine(level: keyof Logger, message: string, fields: object | undefined): string {
  const line = { level, time: new Date().toISOString(), name: 'gnet', pid: process.pid };
  try {
    return `${JSON.stringify({ ...line, ...fields, msg: message }, plainValue)}\n`;
  } catch {
    const error: unknown = (fields as { err?: unknown } | undefined)?.err;
    const err = error === undefined ? {} : { err: textOf(error) };
    return `${JSON.stringify({ ...line, ...err, msg: message })}\n`;
  }
}

/** Errors with what pino writes of them, and values that JSON does not know as text. */
function plainValue(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  const { name, message, stack } = value;
  return { ...value, type: name, ...shortened({ message, stack: stack ?? '' }) };
}

/**
 * By `require`, since a line must be written before the call returns: `import()` cannot do that.
 */
function loadPino(threshold: LogLevelName, destination: LineDestination): Logger {
  const { pino } = requireInstalled('pino') as typeof import('pino');
  const options = {
    level: threshold,
    base: { name: 'gnet', pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: Error) => shortened(pino.stdSerializers.err(error)) },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return adaptLogger(pino(options, destination));
}

/** Characters of a stack: enough for its frames, with the messages of causes in between. */
const stackMax = 8_192;

/** An error for the log; its message may repeat what a client sent, however long that was. */
function shortened<Shown extends { readonly message: string; readonly stack: string }>(
  error: Shown,
): Shown {
  const { message, stack } = error;
  if (message.length <= foreignTextMax && stack.length <= stackMax) return error;
  // The first line of a stack is the message, and each cause has such a line, too.
  const lines = stack.split('\n').map((line) => cutText(line));
  return { ...error, message: cutText(message), stack: cutText(lines.join('\n'), stackMax) };
}
