import { win32 } from 'node:path';
import { hasAbstractNames, noAbstractNames } from '../../base/unix-address.ts';

/** `\\.\pipe\name` and `\\?\pipe\name`, with either slash. */
const namedPipe = /^[\\/]{2}[.?][\\/]pipe[\\/]/i;
/** `./C:\run\app.sock`: a path that begins with neither `/` nor `@` is printed so. */
const printedWhole = /^\.\/(?=[a-z]:[\\/]|\\\\)/i;

/**
 * Where a Unix path is to be found as far as `node:net` is concerned. Windows has named pipes in this
 * place, which are no files: a path becomes the pipe of the whole path, `@name` that of the name.
 * @throws ErrInvalidNetworkAddress for an abstract name where there are none.
 */
export function pipePath(path: string, system: string = process.platform): string {
  if (system === 'win32') return windowsPipe(path);
  if (!path.startsWith('@')) return path;
  if (!hasAbstractNames(system)) throw noAbstractNames(path);
  return `\0${path.slice(1)}`;
}

function windowsPipe(given: string): string {
  if (given.startsWith('@')) return `\\\\.\\pipe\\${given.slice(1)}`;
  const path = given.replace(printedWhole, '');
  return namedPipe.test(path) ? path : win32.join('\\\\?\\pipe', win32.resolve(path));
}
