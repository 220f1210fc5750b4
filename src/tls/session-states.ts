/**
 * The life of a session.
 *
 *   server:  Hello ----> Choosing ----> Handshaking ----> Open ----> Freed
 *              |  the hello is complete     ^                |
 *              +----------------------------+                |
 *   client:  Handshaking ----> Open                          |
 *
 *   from each of them: Failed (an alert was sent or received, or this is no TLS), then Freed
 *
 * In Open each side ends on its own: see `end` marks.
 */
export const TlsState = {
  /** A server's: the client's first message is collected; OpenSSL has seen nothing yet. */
  Hello: 0,
  /** A server's: the message is complete, and the program looks for the context of its name. */
  Choosing: 1,
  /** Messages of the handshake go to and fro. */
  Handshaking: 2,
  /** Data can be read until the peer's close_notify, and written until ours. */
  Open: 3,
  /** `failure` says why; what `takeOutput` still has (an alert) should be sent. */
  Failed: 4,
  /** Nothing is left. */
  Freed: 5,
} as const;

export type TlsState = (typeof TlsState)[keyof typeof TlsState];

/** For messages. */
export const tlsStateNames: readonly string[] = [
  'waits for the client hello',
  'waits for the context of a name',
  'is in the handshake',
  'is open',
  'has failed',
  'is freed',
];

/** How the two sides of an open session ended; bits of one number. */
export const end = {
  /** Our close_notify was written. */
  sent: 1,
  /** The peer's close_notify was read. */
  received: 2,
} as const;
