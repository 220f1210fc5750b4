/** What subscribers of `node:diagnostics_channel` get, by channel: `docs/monitoring.md` says when. */
import type { Conn, Server } from './conn.ts';
import type { LeakKind } from './leaks.ts';
import type { StopResult } from './server-view.ts';
import type { TlsInfo } from './tls/info.ts';

export interface ChannelMessages {
  /** Also of clients. */
  readonly 'gnet:server.start': { readonly server: Server };
  readonly 'gnet:server.stop': {
    readonly server: Server;
    readonly result: StopResult;
    /** Why it went down, if nobody stopped it. */
    readonly error: Error | undefined;
  };
  readonly 'gnet:conn.open': { readonly connection: Conn };
  readonly 'gnet:conn.error': { readonly connection: Conn; readonly error: Error };
  readonly 'gnet:conn.close': {
    readonly connection: Conn;
    /** As `onClosed` gets it. */
    readonly error: Error | undefined;
  };
  readonly 'gnet:conn.backpressure': {
    readonly connection: Conn;
    /** `above`: more than `highWaterMark` waits to be sent; `drained`: no more than `lowWaterMark`. */
    readonly state: 'above' | 'drained';
    readonly buffered: number;
  };
  readonly 'gnet:accept.rest': {
    readonly address: string;
    readonly error: Error;
    readonly restMs: number;
  };
  readonly 'gnet:accept.resume': { readonly address: string };
  readonly 'gnet:loop.dead': {
    /** -1: the loop that accepts for the others, or all of them. */
    readonly loop: number;
    readonly error: Error;
  };
  readonly 'gnet:loop.restarted': { readonly loop: number };
  readonly 'gnet:loop.slow': {
    readonly event: string;
    readonly ms: number;
    /** Undefined for `tick`. */
    readonly connection: Conn | undefined;
    readonly handler: object;
    readonly loop: number;
    /** What it was doing shortly before the limit, a line per function; undefined if not known. */
    readonly stack: string | undefined;
  };
  readonly 'gnet:leak.found': {
    readonly kind: LeakKind;
    /** Undefined for a promise of `tick`. */
    readonly connection: Conn | undefined;
    readonly heldMs: number;
    /** How many are held that come from the same place. */
    readonly count: number;
    readonly loop: number;
    /** Where it was made, a line per function of the program; undefined if not known. */
    readonly stack: string | undefined;
  };
  readonly 'gnet:tls.handshake': {
    readonly connection: Conn;
    /** From the open stream; 0 if there was no subscriber then. */
    readonly ms: number;
    /** What was agreed on; undefined if it failed. */
    readonly tls: TlsInfo | undefined;
    readonly error: Error | undefined;
  };
  readonly 'gnet:restart.start': { readonly servers: number };
  readonly 'gnet:restart.done': { readonly pid: number };
  readonly 'gnet:restart.failed': { readonly error: Error };
}
