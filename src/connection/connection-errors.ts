/** The errors of a connection that exceeded one of its limits or is gone. */
import {
  ErrConnClosed,
  ErrFrameTooLong,
  ErrInboundOverflow,
  ErrOutboundOverflow,
  ErrProxyHeader,
  ErrServerInShutdown,
  ErrTimeout,
} from '../base/errors.ts';
import type { Timeouts } from './conn.ts';

export function inboundOverflow(held: number, max: number, address: string): ErrInboundOverflow {
  return new ErrInboundOverflow(
    `cannot hold ${held} bytes of an unfinished frame of ${address}: maxInboundBytes is ${max}; ` +
      'raise it, or use smaller frames',
    { address },
  );
}

export function frameTooLong(length: number, max: number, address: string): ErrFrameTooLong {
  return new ErrFrameTooLong(
    `cannot accept a frame of ${length} bytes of ${address}: maxFrameLength is ${max}; ` +
      'raise it, or send less',
    { address },
  );
}

export function outboundOverflow(
  length: number,
  pending: number,
  max: number,
  address: string,
): ErrOutboundOverflow {
  return new ErrOutboundOverflow(
    `cannot buffer ${length} more bytes for the slow reader ${address}: ${pending} wait and ` +
      `maxOutboundBytes is ${max}; stop writing when a write returns false, and go on in onDrain`,
    { address },
  );
}

export function tooSlow(pending: number, max: number, address: string): ErrOutboundOverflow {
  return new ErrOutboundOverflow(
    `closed the slow reader ${address}: ${pending} bytes wait, highWaterMark is ${max} and overflow ` +
      "is 'close'; raise highWaterMark or use overflow: 'pause'",
    { address },
  );
}

/** @param notSent bytes that the peer's system does not have, as far as can be known. */
export function timedOut(
  name: keyof Timeouts,
  limitMs: number,
  notSent: number,
  address: string,
): ErrTimeout {
  const left = notSent > 0 ? `; ${notSent} bytes did not reach it` : '';
  return new ErrTimeout(
    `closed the connection to ${address}: ${silence[name]} for ${limitMs} ms${left}; ` +
      `raise ${name} for slower peers`,
    { address },
  );
}

const silence: Readonly<Record<keyof Timeouts, string>> = {
  idleTimeout: 'nothing was received or sent',
  readTimeout: 'nothing was received',
  writeTimeout: 'it took nothing of what was pending',
  closeTimeout: 'it took nothing of what was left to send',
};

/** @param notSent as for `timedOut`. */
export function forcedToClose(notSent: number, address: string): ErrServerInShutdown {
  return new ErrServerInShutdown(
    `closed the connection to ${address} by force: the server stopped and ${notSent} bytes did not ` +
      'reach it; give stop a longer timeout for slow peers',
    { address },
  );
}

export function notWritable(address: string): ErrConnClosed {
  return new ErrConnClosed(
    `cannot write to ${address}: the connection is closed, closing or ended; nothing was sent`,
    { address },
  );
}

/** For code that waits until bytes are in the kernel. */
export function neverFlushed(remaining: number, address: string): ErrConnClosed {
  return new ErrConnClosed(
    `cannot flush: the connection to ${address} closed with ${remaining} bytes still pending; ` +
      'the peer did not get them',
    { address },
  );
}

/** A fresh connection did not even take its first bytes. */
export function cutShort(length: number, peer: string): ErrProxyHeader {
  return new ErrProxyHeader(
    `closed the connection to ${peer}: the kernel did not take the ${length} bytes of its PROXY header at once`,
    { address: peer },
  );
}
