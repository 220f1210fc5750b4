import type { LayerPlaces } from './layer.ts';
import type { LoopTls } from './tls/loop-tls.ts';

/** What a connection needs of its loop, with all that may stand under it. */
export interface LayerOwner extends LayerPlaces {
  /** TLS of this loop, once there is some. */
  tls: LoopTls | undefined;
}
