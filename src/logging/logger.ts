import { ErrInvalidOption } from '../base/errors.ts';
import { watch } from '../base/settled.ts';
import { textOf } from '../base/thrown.ts';

/**
 * Where gnet reports what it does. A message is one constant English text; values that change from
 * line to line go into `fields`, an error under `err`.
 */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** Only reports: the process continues. */
  fatal(message: string, fields?: object): void;
}

/**
 * Any object with these methods is a logger, such as `console`. Without `fatal`, gnet uses `error`.
 */
export type MessageFirstLogger = Omit<Logger, 'fatal'> & Partial<Pick<Logger, 'fatal'>>;

/** A logger of pino, whose methods take the fields first. */
export interface PinoLogger {
  readonly level: string;
  bindings(): object;
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
  fatal(fields: object, message?: string): void;
}

/** What the option `logger` takes: a pino instance as it is, or any object with the methods. */
export type LoggerOption = MessageFirstLogger | PinoLogger;

const requiredMethods = ['debug', 'info', 'warn', 'error'] as const;

/**
 * Makes a `Logger` of what the program gave. A logger that throws, or returns a promise that rejects,
 * never reaches the event loop: the first time it is reported as a process warning, and the line is lost.
 * @throws ErrInvalidOption when a method is missing.
 */
export function adaptLogger(given: LoggerOption): Logger {
  const known: unknown = given;
  if (typeof known !== 'object' || known === null) {
    throw new ErrInvalidOption(
      `cannot use ${known === null ? 'null' : `a ${typeof known}`} as option logger: ` +
        'give an object with the methods debug, info, warn and error, such as a pino logger',
    );
  }
  for (const method of requiredMethods) {
    if (typeof (known as Record<string, unknown>)[method] === 'function') continue;
    throw new ErrInvalidOption(
      `cannot use option logger: it has no method ${method}; ` +
        'give an object with the methods debug, info, warn and error, such as a pino logger',
    );
  }
  return guard(isPino(given) ? messageFirst(given) : withFatal(given));
}

/** pino's methods would take our message for the fields, so it has to be recognised. */
export function isPino(logger: LoggerOption): logger is PinoLogger {
  return 'bindings' in logger && typeof logger.bindings === 'function' && 'level' in logger;
}

function messageFirst(pino: PinoLogger): Logger {
  const noFields = {};
  return {
    debug: (message, fields) => pino.debug(fields ?? noFields, message),
    info: (message, fields) => pino.info(fields ?? noFields, message),
    warn: (message, fields) => pino.warn(fields ?? noFields, message),
    error: (message, fields) => pino.error(fields ?? noFields, message),
    fatal: (message, fields) => pino.fatal(fields ?? noFields, message),
  };
}

function withFatal(logger: MessageFirstLogger): Logger {
  // Passing undefined on would make `console` print it.
  const call = (method: keyof Logger, message: string, fields: object | undefined): void => {
    const chosen = method === 'fatal' && logger.fatal === undefined ? 'error' : method;
    // Its promise, if it has one: types of a program's own logger do not tell.
    return fields === undefined ? logger[chosen]?.(message) : logger[chosen]?.(message, fields);
  };
  return {
    debug: (message, fields) => call('debug', message, fields),
    info: (message, fields) => call('info', message, fields),
    warn: (message, fields) => call('warn', message, fields),
    error: (message, fields) => call('error', message, fields),
    fatal: (message, fields) => call('fatal', message, fields),
  };
}

function guard(logger: Logger): Logger {
  let reported = false;
  const report = (cause: unknown): void => {
    if (reported) return;
    reported = true;
    process.emitWarning(`the logger given to gnet threw: ${textOf(cause)}`, {
      code: 'GNET_LOGGER_THREW',
    });
  };
  const call = (method: keyof Logger, message: string, fields: object | undefined): void => {
    try {
      watch(logger[method](message, fields), report);
    } catch (cause) {
      report(cause);
    }
  };
  return {
    debug: (message, fields) => call('debug', message, fields),
    info: (message, fields) => call('info', message, fields),
    warn: (message, fields) => call('warn', message, fields),
    error: (message, fields) => call('error', message, fields),
    fatal: (message, fields) => call('fatal', message, fields),
  };
}
