import type { StreamReceiver, Transport } from '../driver/transport.ts';
import type { StreamConnection } from './stream-connection.ts';

/** Who hears what the driver tells of a slot: its connection, or the lowest layer under it. */
export interface ConnectionReceiver extends StreamReceiver {
  readonly connection: StreamConnection;
}

/**
 * Stands between a connection and the transport below: it changes the bytes on their way (TLS), or
 * reads some before the connection does (a PROXY header). It calls the connection as the driver would,
 * and `connection.opened()` once the connection may begin.
 */
export interface Layer extends Transport, ConnectionReceiver {
  readonly below: Transport;
  /** The loop is over: gives back what is outside the heap, and calls nobody. Idempotent. */
  dispose?(): void;
}

export type LayerFactory = (connection: StreamConnection, below: Transport) => Layer;
