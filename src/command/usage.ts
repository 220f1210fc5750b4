import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Each command has it. */
export const helpOption = { type: 'boolean', short: 'h', default: false } as const;

/** The command line cannot be understood. */
export class WrongUsage extends Error {
  /** What to add to `gnet` for help. */
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.help = help;
  }
}

/** @throws WrongUsage */
export function parsed<const Options extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new WrongUsage((error as Error).message, `${command} --help`);
  }
}

/** @throws WrongUsage */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new WrongUsage(
    `--${name} ${text}: give a whole number from ${min} to ${max}`,
    'top --help',
  );
}

/** Of a name with several addresses Node tells one error for each, and has no words for all. */
export function problemText(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map(problemText))].join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
