import type { ConnectionSettings } from '../connection/owner.ts';
import type { LayerFactory } from '../connection/layer.ts';
import type { LeakSettings } from '../connection/leaks.ts';
import type { LoopTls } from '../connection/tls/loop-tls.ts';
import type { LoopPublication } from './mailbox-contract.ts';

export interface EventLoopSettings {
  readonly index: number;
  readonly connection: ConnectionSettings;
  readonly readBufferBytes: number;
  /** One piece of an outbound queue; by default `outboundSlabBytes`. */
  readonly writeBufferBytes?: number;
  readonly maxConnections: number;
  /** The option `shared`. */
  readonly shared?: unknown;
  readonly ticker: boolean;
  readonly busyPollMicroseconds: number;
  readonly poisonFrames: boolean;
  /** The option `slowHandler`; 0 is off. */
  readonly slowHandlerMs?: number;
  /** The program set it. */
  readonly slowHandlerAsked?: boolean;
  /** The option `histograms`. */
  readonly histograms?: boolean;
  /** The option `leakDetection`; undefined is off. */
  readonly leaks?: LeakSettings | undefined;
  /** TLS for its connections; undefined: they are plain. Made on the loop's own thread. */
  readonly tls?: LoopTls | undefined;
  /** In place of those that the settings ask for; for tests. */
  readonly layers?: LayerFactory;
  /** For a loop that other threads look at: the next generation, and where to write what they see. */
  readonly firstGeneration?: number;
  readonly publication?: LoopPublication;
}

/** What a loop tells the server it belongs to. */
export interface LoopOwner {
  /** A handler returned `Action.Shutdown`. Called from inside a turn. */
  shutdownRequested(): void;
  /** An invariant does not hold: this loop cannot continue. */
  loopDied(error: unknown): void;
}
