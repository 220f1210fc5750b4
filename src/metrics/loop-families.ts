/** Which metrics tell which counters of a loop. */
import type { HistogramsOfLoop, LoopStats } from '../index.ts';

/** What is one number. */
export type LoopCounter = Exclude<keyof LoopStats, 'histograms'>;

/** One metric of loops: the name is without `_total`, which counters get when they are written. */
export interface LoopFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly unit?: string;
  readonly help: string;
  /** A counter of a loop, or several that differ by the label `reason`. */
  readonly of: LoopCounter | Readonly<Record<string, LoopCounter>>;
  /** What one of the counter is in the unit of the metric; 1 where it is left out. */
  readonly scale?: number;
  /** Only for servers with TLS. */
  readonly tls?: true;
}

const counter = (
  name: string,
  of: LoopFamily['of'],
  help: string,
  more: Pick<LoopFamily, 'unit' | 'scale' | 'tls'> = {},
): LoopFamily => ({ name, type: 'counter', of, help, ...more });

const gauge = (name: string, of: LoopFamily['of'], help: string, unit?: string): LoopFamily => ({
  name,
  type: 'gauge',
  of,
  help,
  ...(unit !== undefined && { unit }),
});

const bytes = { unit: 'bytes' };
const tls = { tls: true } as const;

export const loopFamilies: readonly LoopFamily[] = [
  gauge('gnet_connections_open', 'connections', 'Stream connections that are open now.'),
  counter('gnet_connections_accepted', 'accepted', 'Connections accepted or dialled.'),
  counter('gnet_connections_closed', 'closed', 'Connections that ended, for whatever reason.'),
  counter(
    'gnet_connections_failed',
    {
      reset: 'closedByReset',
      timeout: 'closedByTimeout',
      limit: 'closedByLimit',
      protocol: 'closedByProtocol',
      handler: 'closedByHandler',
      other: 'closedByOther',
    },
    'Connections that ended with an error, by its kind.',
  ),
  counter('gnet_connections_above_high_water', 'aboveHighWater', 'Times a peer read too slowly.'),
  counter('gnet_accept_rests', 'acceptRests', 'Times accepting paused for want of descriptors.'),
  counter('gnet_received_bytes', 'bytesReceived', 'Bytes received from the kernel.', bytes),
  counter('gnet_sent_bytes', 'bytesSent', 'Bytes that the kernel took.', bytes),
  counter('gnet_frames', 'frames', 'Frames that codecs cut.'),
  counter('gnet_loop_turns', 'turns', 'Turns of the loop.'),
  counter('gnet_loop_waits', 'waits', 'Times the loop asked the kernel for events.'),
  counter('gnet_loop_events', 'events', 'Events that the driver reported.'),
  counter('gnet_loop_active_seconds', 'activeMs', 'Time that the loop has worked.', {
    unit: 'seconds',
    scale: 1 / 1000,
  }),
  gauge(
    'gnet_loop_utilization_ratio',
    'utilization',
    'Share of the last five seconds spent working.',
    'ratio',
  ),
  gauge('gnet_mailbox_waiting_bytes', 'mailboxBytes', 'Bytes from other threads to do.', 'bytes'),
  counter('gnet_datagrams_received', 'datagramsReceived', 'Datagrams received.'),
  counter('gnet_datagrams_overflowed', 'datagramsOverflowed', 'Datagrams that found no room.'),
  counter('gnet_datagrams_truncated', 'datagramsTruncated', 'Datagrams cut off: too long.'),
  counter('gnet_datagrams_dropped', 'datagramsDropped', 'Datagrams that the kernel did not take.'),
  counter('gnet_datagrams_refused', 'datagramsRefused', 'Datagrams beyond udpSessions.max.'),
  gauge('gnet_datagram_sessions_open', 'datagramSessions', 'Sessions of peers open now.'),
  counter('gnet_tls_handshakes', 'tlsHandshakes', 'Completed TLS handshakes.', tls),
  counter('gnet_tls_handshakes_failed', 'tlsFailures', 'TLS handshakes that failed.', tls),
  counter('gnet_tls_handshake_seconds', 'tlsHandshakeMs', 'Time spent on TLS handshakes.', {
    unit: 'seconds',
    scale: 1 / 1000,
    tls: true,
  }),
];

/** One histogram of loops. */
export interface HistogramFamily {
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly of: keyof HistogramsOfLoop;
  /** What one is in the unit of the metric. */
  readonly scale: number;
}

const times = { unit: 'seconds', scale: 1 / 1000 };

/** Only of servers with the option `histograms`. */
export const histogramFamilies: readonly HistogramFamily[] = [
  {
    name: 'gnet_loop_turn_seconds',
    ...times,
    help: 'Turns of the loop that had anything to do, without sleep.',
    of: 'turnMs',
  },
  {
    name: 'gnet_handler_seconds',
    ...times,
    help: 'Calls of the handler, until they returned.',
    of: 'handlerMs',
  },
  {
    name: 'gnet_accept_wait_seconds',
    ...times,
    help: 'Connections, from their handshake until a loop had them.',
    of: 'acceptWaitMs',
  },
  {
    name: 'gnet_frame_size_bytes',
    unit: 'bytes',
    scale: 1,
    help: 'Frames and datagrams given to react.',
    of: 'frameBytes',
  },
];
