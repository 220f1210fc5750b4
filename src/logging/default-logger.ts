import { environment } from '../base/environment.ts';
import { ErrInvalidOption, ErrUnsupportedOp } from '../base/errors.ts';
import { requireInstalled } from '../base/own-file.ts';
import { cutText, foreignTextMax, textOf } from '../base/thrown.ts';
import {
  isLevelName,
  isLogged,
  type LogLevel,
  type LogLevelName,
  parseLogLevel,
} from './log-level.ts';
import { adaptLogger, isPino, type Logger, type LoggerOption } from './logger.ts';
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
  /**
   * From which level on lines are written; undefined if the program's own logger decides.
   * @throws on setting, ErrInvalidOption; ErrUnsupportedOp where it is undefined.
   */
  level: LogLevel | undefined;
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
    return new GivenLogger(settings.logger);
  }
  const variables = settings.environment ?? environment;
  const path = chooseFile(settings.logPath, variables['GNET_LOGGING_FILE']);
  const level = chooseLevel(settings.logLevel, variables['GNET_LOGGING_LEVEL'], path);
  if (path === undefined) {
    return new DefaultLogger(level, settings.standardError ?? standardError, () => {});
  }
  const file = new RollingFile(path, settings.limits);
  return new DefaultLogger(level, file, () => file.close());
}

/** The program's. */
class GivenLogger implements OwnedLogger {
  readonly logger: Logger;
  readonly #given: LoggerOption;

  constructor(given: LoggerOption) {
    this.logger = adaptLogger(given);
    this.#given = given;
  }

  get level(): LogLevel | undefined {
    const { level } = this.#given as { readonly level?: unknown };
    return isPino(this.#given) && isLevelName(level) ? level : undefined;
  }
  set level(level: LogLevel | undefined) {
    const name = parseLogLevel(level, 'log level');
    if (!isPino(this.#given)) {
      throw new ErrUnsupportedOp(
        "cannot set the log level: the server has the program's own logger; set it there",
      );
    }
    (this.#given as { level: string }).level = name;
  }

  close(): void {}
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

/** Lines from a level on, in pino's form. */
class DefaultLogger implements OwnedLogger {
  readonly logger: Logger;
  readonly close: () => void;
  readonly #destination: LineDestination;
  #level: LogLevelName;
  #loaded: Logger | undefined;

  constructor(level: LogLevelName, destination: LineDestination, close: () => void) {
    this.#level = level;
    this.#destination = destination;
    this.close = close;
    this.logger = {
      debug: (message, fields) => this.#call('debug', message, fields),
      info: (message, fields) => this.#call('info', message, fields),
      warn: (message, fields) => this.#call('warn', message, fields),
      error: (message, fields) => this.#call('error', message, fields),
      fatal: (message, fields) => this.#call('fatal', message, fields),
    };
  }

  get level(): LogLevel {
    return this.#level;
  }
  set level(level: LogLevel | undefined) {
    this.#level = parseLogLevel(level, 'log level');
  }

  #call(level: keyof Logger, message: string, fields: object | undefined): void {
    if (!isLogged(level, this.#level)) return;
    try {
      this.#loaded ??= loadPino(this.#destination);
    } catch {
      // Loading takes descriptors, and "none is left" may be just what there is to say.
      this.#destination.write(plainLine(level, message, fields));
      return;
    }
    this.#loaded[level](message, fields);
  }
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
function loadPino(destination: LineDestination): Logger {
  const { pino } = requireInstalled('pino') as typeof import('pino');
  const options = {
    level: 'debug', // what is below the level of the server does not come here
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
