/**
 * What `flushWrite` returns when there is nothing to wait for: the kernel has everything. Packages beside the
 * core know it by that, and do without a promise for each write.
 */
export const flushed: Promise<void> = Promise.resolve();
