import type { GnetError } from '../base/errors.ts';
import type { StreamReceiver, Transport } from '../driver/transport.ts';
import type { ConnectionOwner } from './owner.ts';

/** A connection as the layer under it sees it: a receiver, and a few things besides. */
export interface LayeredConnection extends ConnectionReceiver {
  readonly owner: LayerPlaces;
  transport: Transport;
  readonly isClosed: boolean;
  readonly remoteAddr: string;
  /** The layer calls `opened` later: until then the program does not hear of the connection. */
  notOpenedYet(): void;
  /** A proxy in front names other addresses than the socket's. */
  nameAddresses(local: string | undefined, remote: string | undefined): void;
  /** Closes now, whatever is pending. */
  abort(error: Error | undefined): void;
  failed(error: GnetError): void;
  /** The layer received bytes that it cannot use yet: the peer is not silent. */
  bytesCame(): void;
  /** The layer has given up: what is pending cannot be sent; the stream ends in order. */
  refused(error: GnetError): void;
  /** The peer ended its side without the last word of the layer: as `ended`, with an error. */
  endedEarly(error: GnetError): void;
  /** The handshake of an upgrade is over, or did not begin: frames are delivered again. */
  upgraded(): void;
  /** It has no reason of its own not to read. */
  readonly isReading: boolean;
}

/** Who hears what the driver tells of a slot: its connection, or the lowest layer under it. */
export interface ConnectionReceiver extends StreamReceiver {
  readonly connection: LayeredConnection;
}

/**
 * Stands between a connection and the transport below: it changes the bytes on their way (TLS), or
 * reads some before the connection does (a PROXY header). It calls the connection as the driver would,
 * and `connection.opened()` once the connection may begin.
 */
export interface Layer extends Transport, ConnectionReceiver {
  readonly below: Transport;
  /** The loop is over: frees memory outside the heap and calls no event. Idempotent. */
  dispose?(): void;
}

export type LayerFactory = (connection: LayeredConnection, below: Transport) => Layer;

/** A loop that has layers under its connections. */
export interface LayerPlaces extends ConnectionOwner {
  /**
   * A layer has done its work: `above`, or the connection itself, stands on what was below it. Returns
   * who hears of the stream from now on.
   */
  replaceLayer(layer: Layer, above: LayerFactory | undefined): ConnectionReceiver;
  /** Puts a layer between a connection and what carries its bytes so far. */
  putUnder(connection: LayeredConnection, make: LayerFactory): Layer;
}
