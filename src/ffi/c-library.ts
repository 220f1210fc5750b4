import { readdirSync } from 'node:fs';

/** File names of the C library, for runtimes that cannot look symbols up in themselves. */
const names: Readonly<Record<string, string>> = {
  darwin: 'libSystem.B.dylib',
  freebsd: 'libc.so.7',
};
const glibc = 'libc.so.6';

/** The C library's file name on this system. */
export function cLibraryName(): string {
  if (process.platform !== 'linux') return names[process.platform] ?? 'libc.so';
  try {
    // musl's loader is its C library, too, and carries the name of the CPU.
    const musl = readdirSync('/lib').find((name) => /^libc\.musl-.*\.so\.1$/.test(name));
    return musl ?? glibc;
  } catch {
    return glibc; // not to be read
  }
}
