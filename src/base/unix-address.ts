import { ErrInvalidNetworkAddress } from './errors.ts';

/**
 * What would leave the line, or rewrite it, in a log or on a terminal: control characters, line
 * separators, and marks that turn the direction of text.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A Unix address as it is printed: `/run/app.sock`, `./app.sock`, `@app` for an abstract name, `@` for
 * none. A relative path begins with `./`, so that it is told from a host name. Peers choose their names,
 * in any bytes: those that are not printable are shown as `\x0a` or `\u2028`.
 */
export function formatUnix(path: string): string {
  const isRelative = !/^(@|\/|\.\/|\.\.\/)/.test(path);
  return (isRelative ? `./${path}` : path).replace(unprintable, escaped);
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}

/** `sun_path` holds so many bytes; a path that fills it has no terminating zero. unix(7), unix(4) */
export function unixPathBytesMax(system: string = process.platform): number {
  const isBsd = system === 'darwin' || system.endsWith('bsd') || system === 'dragonfly';
  return isBsd ? 104 : 108;
}

/** Only Linux has names of Unix sockets that are no files. unix(7) */
export function hasAbstractNames(system: string = process.platform): boolean {
  return system === 'linux';
}

export function noAbstractNames(path: string): ErrInvalidNetworkAddress {
  return new ErrInvalidNetworkAddress(
    `cannot use the Unix name ${path}: this system has no abstract names, only Linux does; use a path`,
    { address: path },
  );
}
