/** The names of what the connections of a loop count, for whoever passes it on. */
export const connectionCounters = [
  'frames',
  'aboveHighWater',
  'closedByReset',
  'closedByTimeout',
  'closedByLimit',
  'closedByProtocol',
  'closedByHandler',
  'closedByOther',
] as const;

type ConnectionCounter = (typeof connectionCounters)[number];

/** What the connections of a loop count, all together. */
export class ConnectionCounts implements Record<ConnectionCounter, number> {
  /** Pieces that codecs cut, and that went to `react`. */
  frames = 0;
  /** Times that what waits to be sent rose above `highWaterMark`. */
  aboveHighWater = 0;
  closedByReset = 0;
  closedByTimeout = 0;
  closedByLimit = 0;
  closedByProtocol = 0;
  closedByHandler = 0;
  closedByOther = 0;
}

/** The counters of connections that ended with an error, by its kind. */
type CloseCounter = Extract<ConnectionCounter, `closedBy${string}`>;

/** By codes; errors of TLS are found by their prefix, codes that are not here are others. */
const counterOf: Readonly<Record<string, CloseCounter>> = {
  ECONNRESET: 'closedByReset',
  ECONNABORTED: 'closedByReset',
  EPIPE: 'closedByReset',
  ErrTimeout: 'closedByTimeout',
  ETIMEDOUT: 'closedByTimeout',
  ErrOutboundOverflow: 'closedByLimit',
  ErrInboundOverflow: 'closedByLimit',
  ErrFrameTooLong: 'closedByLimit',
  ErrHandler: 'closedByHandler',
  ErrInvalidReply: 'closedByHandler',
  ErrCodec: 'closedByProtocol',
  ErrCorruptedFrame: 'closedByProtocol',
  ErrInvalidFixedLength: 'closedByProtocol',
  ErrUnexpectedEOF: 'closedByProtocol',
  ErrDelimiterNotFound: 'closedByProtocol',
  ErrCRLFNotFound: 'closedByProtocol',
  ErrUnsupportedLength: 'closedByProtocol',
  ErrTooLessLength: 'closedByProtocol',
  ErrLengthOverflow: 'closedByProtocol',
  ErrProxyHeader: 'closedByProtocol',
};

/** A connection ended with this error. */
export function countFailure(counts: ConnectionCounts, error: Error): void {
  const code = String((error as { readonly code?: unknown }).code);
  const known = Object.hasOwn(counterOf, code) ? counterOf[code] : undefined;
  counts[known ?? (code.startsWith('ErrTls') ? 'closedByProtocol' : 'closedByOther')]++;
}
