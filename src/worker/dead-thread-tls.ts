/**
 * `exit` of a worker comes when its thread is over. In other runtimes it may still be inside a call of
 * OpenSSL: there its objects stay until the process ends.
 */
const exitComesLast =
  process.versions['bun'] === undefined && process.versions['deno'] === undefined;

/** Frees what a thread that is over held of OpenSSL; by the main thread, once. */
export function freeThreadObjects(memory: readonly SharedArrayBuffer[]): void {
  if (memory.length === 0 || !exitComesLast) return;
  // The main thread may have had nothing to do with OpenSSL so far; the thread had found it.
  void import('../tls/openssl/dead-thread-objects.ts').then(({ freeLeftObjects }) => {
    freeLeftObjects(memory);
  });
}
