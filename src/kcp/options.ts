import { ErrInvalidOption } from '../index.ts';

/** The options of KCP. Each side chooses its own, except `stream`, on which both should agree. */
export interface KcpOptions {
  /**
   * Retransmits after at least 30 ms instead of 100, and waits half as long again each time.
   * Default false.
   */
  readonly nodelay?: boolean;
  /** Milliseconds between checks for segments that are due, 10 to 5,000. Default 40. */
  readonly interval?: number;
  /**
   * Retransmits a segment at once when this many later segments have arrived; 0 is off. Default 0.
   */
  readonly resend?: number;
  /**
   * Turns the congestion window off: only the other two windows limit the segments under way.
   * Default false.
   */
  readonly nc?: boolean;
  /** The most segments under way, 1 to 65,535. Default 128. */
  readonly sendWindow?: number;
  /** The most segments that wait to be read, 1 to 65,535. Default 128. */
  readonly receiveWindow?: number;
  /** Bytes of a datagram, 50 to 65,000. Default 1,400. */
  readonly mtu?: number;
  /** A stream of bytes instead of messages: small writes share a segment. Default false. */
  readonly stream?: boolean;
  /**
   * `write` returns false above this many bytes of unacknowledged segments, each of which counts 320
   * bytes more than its data. Default 1,048,576.
   */
  readonly highWaterMark?: number;
  /** More of them close the connection. Default 67,108,864. */
  readonly maxOutboundBytes?: number;
  /** The connection closes when nothing came from the peer for this many milliseconds. Default 60,000. */
  readonly idleTimeout?: number;
  /** Milliseconds that a closing connection waits for acknowledgements. Default 5,000. */
  readonly closeTimeout?: number;
}

export type KcpSettings = Required<KcpOptions>;

const defaults: KcpSettings = {
  nodelay: false,
  interval: 40,
  resend: 0,
  nc: false,
  sendWindow: 128,
  receiveWindow: 128,
  mtu: 1_400,
  stream: false,
  highWaterMark: 1_048_576,
  maxOutboundBytes: 67_108_864,
  idleTimeout: 60_000,
  closeTimeout: 5_000,
};

const ranges: { readonly [Name in keyof KcpSettings]?: readonly [number, number] } = {
  interval: [10, 5_000],
  resend: [0, 255],
  sendWindow: [1, 65_535],
  receiveWindow: [1, 65_535],
  mtu: [50, 65_000],
  highWaterMark: [0, Number.MAX_SAFE_INTEGER],
  maxOutboundBytes: [1, Number.MAX_SAFE_INTEGER],
  idleTimeout: [1, 2 ** 31 - 1],
  closeTimeout: [0, 2 ** 31 - 1],
};

/** @throws ErrInvalidOption */
export function kcpSettings(options: KcpOptions): KcpSettings {
  const settings: Record<string, unknown> = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof KcpSettings)[]) {
    const given = options[name];
    if (given === undefined) continue;
    const range = ranges[name];
    const fits =
      range === undefined
        ? typeof given === 'boolean'
        : Number.isSafeInteger(given) && Number(given) >= range[0] && Number(given) <= range[1];
    if (!fits) {
      const wanted = range === undefined ? 'true or false' : `${range[0]} to ${range[1]}`;
      throw new ErrInvalidOption(`cannot use kcp option ${name} ${String(given)}: give ${wanted}`);
    }
    settings[name] = given;
  }
  return settings as unknown as KcpSettings;
}

/** Without those that are KCP's own. */
export function otherOptions<Given extends KcpOptions>(
  options: Given,
): Omit<Given, keyof KcpOptions> {
  const others = { ...options } as Record<string, unknown>;
  for (const name of Object.keys(defaults)) delete others[name];
  return others as Omit<Given, keyof KcpOptions>;
}
