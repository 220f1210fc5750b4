/** Where something was made: the stack of that moment, in the form that a program can use. */

/** Formatted only if somebody looks at it. */
export interface Origin {
  readonly stack?: unknown;
}

const framesMax = 40;

/** Of whoever calls. */
export function captureOrigin(): Origin {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = framesMax;
  const origin = new Error('');
  Error.stackTraceLimit = stackTraceLimit;
  return origin;
}

/** The folders of this package, as stacks name them; empty where it is a part of a bundle. */
function ownFolders(): readonly string[] {
  const url: unknown = import.meta.url;
  const above = typeof url === 'string' ? /^(.*\/)(?:src|dist)\//.exec(url)?.[1] : undefined;
  return above === undefined ? [] : [`${above}src/`, `${above}dist/`];
}

/**
 * The frames of the program, innermost first, a line each: without those of this package and of the
 * runtime around them. All frames where no other is there; undefined if the runtime shows none.
 */
export function programFrames({ stack }: Origin): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const lines = frames.map((line) => line.trim());
  if (lines.length === 0) return undefined;
  const folders = ownFolders();
  const isOurs = (line: string): boolean => folders.some((folder) => line.includes(folder));
  const isRuntime = (line: string): boolean => /(?:^at |\()node:/.test(line);
  const start = lines.findIndex((line) => !isOurs(line) && !isRuntime(line));
  if (start === -1) return lines.join('\n');
  const below = lines.findIndex((line, at) => at > start && isOurs(line));
  const own = lines.slice(start, below === -1 ? undefined : below);
  while (isRuntime(own.at(-1) as string)) own.pop();
  return own.join('\n');
}
