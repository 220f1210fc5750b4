/** File names of the C library, for runtimes that cannot look symbols up in themselves. */
const names: Readonly<Record<string, string>> = {
  darwin: 'libSystem.B.dylib',
  freebsd: 'libc.so.7',
  // glibc's name. The loader of musl takes every `libc.*` without a path for itself, which is its C library,
  // too; its own name would load a second one into a process of glibc where both are installed.
  linux: 'libc.so.6',
};

/** The C library's file name on this system. */
export function cLibraryName(): string {
  return names[process.platform] ?? 'libc.so';
}
