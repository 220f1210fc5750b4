/**
 * Makes this process believe that it runs on another system, as far as the native drivers can see: for
 * tests of the kqueue driver on Linux. To be imported before everything else, in every thread:
 *
 *     GNET_STAND_IN=freebsd GNET_DRIVER=kqueue node --import ./testing/stand-in/install.ts FILE
 *
 * The look-up of C functions is the seam, as in `failing-calls.ts`; nothing in `src/` knows of it.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { standInSystem, tablesOf } from './systems.ts';

const name = process.env['GNET_STAND_IN'] ?? '';

if (name !== '') {
  const system = standInSystem(name);
  const { foreignInterface } = await import('../../src/ffi/index.ts');
  const { cLibraryOf, linuxOnly, mapCall } = await import('./c-library.ts');
  const { errnoAddress, useErrnoNumbers } = await import('./errno.ts');
  const { realLookup, realLookupAddress } = await import('./kernel.ts');
  const tables = await tablesOf(system);
  useErrnoNumbers(tables.errnoNumbers);
  const functions = cLibraryOf(system, tables);
  const mmap = mapCall(tables);
  const missing = (wanted: string): Error =>
    new Error(`${system.platform} has no function '${wanted}'`);
  /** Where a name has an older form, that is another function. */
  const renamed = new Set(['socket', 'kevent', '__kevent50', '__kevent100']);
  foreignInterface.lookup = (wanted, count) => {
    const found = functions[wanted];
    if (found !== undefined) return found;
    if (linuxOnly.has(wanted) || renamed.has(wanted)) throw missing(wanted);
    return realLookup(wanted, count);
  };
  const [errnoName] = tables.symbols.errno;
  foreignInterface.lookupAddress = (wanted, count) => {
    if (wanted === errnoName) return () => errnoAddress;
    if (wanted === 'mmap') return mmap;
    if (linuxOnly.has(wanted)) throw missing(wanted);
    return realLookupAddress(wanted, count);
  };
  Object.defineProperty(process, 'platform', { value: system.platform });
  Object.defineProperty(process, 'arch', { value: system.cpu });
  os.release = () => system.release;
  syncBuiltinESMExports();
  const { loadPlatform } = await import('../../src/platform/index.ts');
  await loadPlatform();
}
