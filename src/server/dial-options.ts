import { ErrInvalidNetworkAddress, ErrUnsupportedOp } from '../base/errors.ts';
import { checkNames, int32Max, invalidOption } from '../base/option-checks.ts';
import { isIP } from '../base/ip-address.ts';
import type { EventHandler } from '../connection/conn.ts';
import type { ProxyHeader } from '../connection/proxy-protocol/write-header.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { ReconnectOptions } from './reconnecting.ts';

/** How to dial; every option is optional. */
export interface DialOptions {
  /**
   * A handler for this connection alone, including its `onOpened`. The client's handler keeps the
   * events that do not belong to a connection (`tick`, `onInitComplete`, `onShutdown`).
   */
  readonly handler?: EventHandler<never>;
  /** The connection's `c.context`, set before `onOpened`. */
  readonly context?: unknown;
  /** Cancels the dial when it aborts: `dial` rejects with its reason and leaves nothing open. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds for the name look-up and all attempts; then `ErrTimeout`. 0, the default, is off.
   */
  readonly timeout?: number;
  /** Uses TLS with the client's option `tls`, as for a `tls://` address: for `unix://`. */
  readonly tls?: boolean;
  /**
   * Sends this PROXY header before everything else. It tells the server on whose behalf we connect
   * (option `proxyProtocol` of a gnet server; `accept-proxy` of HAProxy).
   */
  readonly proxyHeader?: ProxyHeader;
  /**
   * Milliseconds after which the client also tries the next address of the name, if the earlier
   * ones have not answered; the first connection wins. Default 250.
   */
  readonly attemptDelay?: number;
  /** Milliseconds for one address of the name; 0, the default, is as long as the system waits. */
  readonly attemptTimeout?: number;
  /**
   * The local address: `192.0.2.1`, `192.0.2.1:5000`, `::1`, `[::1]:5000`. Default: the system's
   * choice.
   */
  readonly localAddress?: string;
  /**
   * The loop that owns the connection. `'same'`, the default, and 0 mean the client's only loop, on
   * its thread. For a loop of a server see its `register`.
   */
  readonly loop?: 'same' | number;
  /**
   * Whether, or how, the connection is dialled again when its peer ends it or it breaks. Default: the
   * client's option `reconnect`.
   */
  readonly reconnect?: ReconnectOptions | boolean;
}

export const attemptDelayMs = 250;

const names: Record<keyof DialOptions, true> = {
  handler: true,
  context: true,
  signal: true,
  timeout: true,
  tls: true,
  proxyHeader: true,
  attemptDelay: true,
  attemptTimeout: true,
  localAddress: true,
  loop: true,
  reconnect: true,
};

export const dialOptionNames: readonly string[] = Object.keys(names);

function time(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value <= int32Max) return;
  throw invalidOption(name, value, `0 (off) or a number up to ${int32Max} (milliseconds)`);
}

/** @throws ErrInvalidOption, ErrUnsupportedOp. */
export function checkDialOptions(options: DialOptions): DialOptions {
  checkNames('dial', options, dialOptionNames);
  const { signal, timeout = 0, tls = false, loop = 'same' } = options;
  if (typeof tls !== 'boolean') {
    const wanted = 'true or false; what to use stands in the option tls of client()';
    throw invalidOption('tls', tls, wanted);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidOption('signal', signal, 'the signal of an AbortController');
  }
  if (options.localAddress !== undefined) parseLocal(options.localAddress);
  time('timeout', timeout);
  time('attemptDelay', options.attemptDelay ?? attemptDelayMs);
  time('attemptTimeout', options.attemptTimeout ?? 0);
  if (loop !== 'same' && loop !== 0) {
    throw new ErrUnsupportedOp(
      `cannot dial on loop ${String(loop)}: a client has one, on its own thread; make a client in that ` +
        'thread, or use server.loops[i].register there',
    );
  }
  return options;
}

interface LocalAddress {
  readonly family: number;
  readonly host: string;
  readonly port: number;
}

function parseLocal(text: unknown): LocalAddress {
  if (typeof text === 'string') {
    if (isIP(text) !== 0) return { family: isIP(text), host: text, port: 0 };
    const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
    const host = bracketed ?? plain ?? '';
    if (isIP(host) !== 0 && Number(port) <= 65_535) {
      return { family: isIP(host), host, port: Number(port) };
    }
  }
  throw invalidOption('localAddress', text, "an address such as '192.0.2.1' or '[::1]:5000'");
}

/**
 * Returns the endpoints that can be reached from the local address. @throws ErrInvalidOption;
 * ErrInvalidNetworkAddress if there are none.
 */
export function calledFrom(
  targets: readonly Endpoint[],
  localAddress: string | undefined,
): readonly Endpoint[] {
  if (localAddress === undefined) return targets;
  const { family, host, port } = parseLocal(localAddress);
  const reachable = targets.flatMap((target) =>
    target.kind !== 'unix' && target.family === family ? [{ ...target, from: { host, port } }] : [],
  );
  if (reachable.length > 0) return reachable;
  throw new ErrInvalidNetworkAddress(
    `cannot dial from ${localAddress}: nothing of what was dialled has an address of that kind`,
    { address: localAddress },
  );
}
