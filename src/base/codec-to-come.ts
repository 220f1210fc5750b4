/**
 * Nothing more is delivered or read until the connection has another codec. What `Conn` does not show, the
 * packages beside the core find by this name.
 */
export const awaitsCodec: unique symbol = Symbol.for('gnet.awaitsCodec');

export interface AwaitsCodec {
  [awaitsCodec](): void;
}
