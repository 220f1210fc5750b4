import type { HostedLoop } from './contract.ts';

/** Stands between a loop and its host, and passes on what a subclass does not do itself. */
export class LoopInFront implements HostedLoop {
  protected readonly loop: HostedLoop;

  constructor(loop: HostedLoop) {
    this.loop = loop;
  }

  runDue(): boolean {
    return this.loop.runDue();
  }
  timeUntilDeadline(): number {
    return this.loop.timeUntilDeadline();
  }
  wait(timeoutMs: number): number {
    return this.loop.wait(timeoutMs);
  }
  get sleptMs(): number {
    return this.loop.sleptMs;
  }
  slept(ms: number): void {
    this.loop.slept(ms);
  }
  get hasPutOff(): boolean {
    return this.loop.hasPutOff;
  }
  get hasPromises(): boolean {
    return this.loop.hasPromises;
  }
  watch(descriptor: number): void {
    this.loop.watch(descriptor);
  }
  unwatch(descriptor: number): void {
    this.loop.unwatch(descriptor);
  }
  get pollableDescriptor(): number {
    return this.loop.pollableDescriptor;
  }
}
