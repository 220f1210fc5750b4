import type { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { Transport } from '../driver/transport.ts';
import type { LayeredConnection } from './layer.ts';

/** What a layer passes on unchanged to the transport below it. */
export abstract class PassThrough {
  readonly slot: number;
  readonly generation: number;
  readonly connection: LayeredConnection;
  readonly below: Transport;

  constructor(connection: LayeredConnection, below: Transport) {
    this.slot = connection.slot;
    this.generation = connection.generation;
    this.connection = connection;
    this.below = below;
  }

  unsentBytes(slot: number): number {
    return this.below.unsentBytes(slot);
  }
  handedOver(slot: number): boolean {
    return this.below.handedOver(slot);
  }
  pauseReading(slot: number): void {
    this.below.pauseReading(slot);
  }
  resumeReading(slot: number): void {
    this.below.resumeReading(slot);
  }
  shutdownWrite(slot: number): void {
    this.below.shutdownWrite(slot);
  }
  sendLast(slot: number, queue: OutboundQueue): void {
    if (this.below.sendLast === undefined) queue.clear();
    else this.below.sendLast(slot, queue);
  }
  closeStream(slot: number, abort: boolean): void {
    this.below.closeStream(slot, abort);
  }
}
