import { ErrInvalidOption } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';

/** From the most to the least talkative. `silent` writes nothing. */
const levelNames = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevelName = (typeof levelNames)[number];

/**
 * A name, or a number as in gnet for Go: -1 debug, 0 info, 1 warn, 2 error, 5 fatal. Its numbers 3
 * and 4 are kinds of fatal and mean `fatal` here.
 */
export type LogLevel = LogLevelName | -1 | 0 | 1 | 2 | 3 | 4 | 5;

const levelOfNumber: Readonly<Record<string, LogLevelName>> = {
  '-1': 'debug',
  '0': 'info',
  '1': 'warn',
  '2': 'error',
  '3': 'fatal',
  '4': 'fatal',
  '5': 'fatal',
};

/**
 * @param source what the level was given as: an option or an environment variable.
 * @throws ErrInvalidOption naming the source.
 */
export function parseLogLevel(value: unknown, source: string): LogLevelName {
  // A number comes as text from the environment, so both kinds are understood in both forms.
  if (typeof value === 'string' || typeof value === 'number') {
    const text = textOf(value).trim().toLowerCase();
    const name = levelNames.find((known) => known === text);
    if (name !== undefined) return name;
    const numbered = Object.hasOwn(levelOfNumber, text) ? levelOfNumber[text] : undefined;
    if (numbered !== undefined) return numbered;
  }
  const shown = typeof value === 'string' ? `'${value}'` : textOf(value);
  throw new ErrInvalidOption(
    `cannot use ${shown} as ${source}: use one of ${levelNames.join(', ')}, ` +
      'or a number from -1 (debug) to 5 (fatal)',
  );
}

export function isLevelName(value: unknown): value is LogLevelName {
  return levelNames.some((known) => known === value);
}

/** True when a line of level `line` is to be written by a logger set to `threshold`. */
export function isLogged(line: LogLevelName, threshold: LogLevelName): boolean {
  return levelNames.indexOf(line) >= levelNames.indexOf(threshold);
}
