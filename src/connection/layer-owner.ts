import type { LayerPlaces } from './layer.ts';
import type { LoopTls } from './tls/loop-tls.ts';

/** What a connection, and the layers below it, need of the loop. */
export interface LayerOwner extends LayerPlaces {
  /** TLS of this loop, once there is some. */
  tls: LoopTls | undefined;
}
