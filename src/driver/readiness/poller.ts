import type { DescriptorBits } from '../../base/descriptor-bits.ts';

/** Readiness bits that every poller reports and takes; several may be set at once. */
export const readable = 1;
export const writable = 2;
/** The peer is gone or the socket has an error; cannot be masked while registered. */
export const hangup = 4;

/**
 * What epoll and kqueue have in common. `tag` and `generation` come back with each event.
 * Functions that return a number return 0 or minus an errno.
 */
export interface Poller {
  readonly name: 'epoll' | 'kqueue';
  /** The names of its system calls, for error messages: those that add a descriptor and wait. */
  readonly controlCall: string;
  readonly waitCall: string;
  /** Becomes readable when a wait would find something. */
  readonly descriptor: number;
  add(descriptor: number, interest: number, tag: number, generation: number): number;
  modify(descriptor: number, interest: number, tag: number, generation: number): number;
  /** Must precede `close(2)`: a duplicated descriptor would keep reporting. */
  remove(descriptor: number): number;
  /** How many events there are, or minus an errno. -1 waits without a limit. */
  wait(timeoutMs: number): number;
  /** Of event `index` of the last wait; 0: it is nothing that anybody asked for. */
  readinessAt(index: number): number;
  tagAt(index: number): number;
  generationAt(index: number): number;
  /** @param bits where its descriptor is written down as open. */
  close(bits?: DescriptorBits | null): void;
}
