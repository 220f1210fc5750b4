import type { FrameSource, ICodec } from '../codec/index.ts';
import type { HttpHead } from './head.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';
import { HttpEvent, HttpParser } from './parser.ts';

/** The head of a request; what its fields point to is lent until `react` returns. */
export interface HttpHeadFrame {
  readonly kind: 'head';
  readonly head: HttpHead;
}

/** A piece of its body, as it arrived; lent until `react` returns, or its promise settles. */
export interface HttpDataFrame {
  readonly kind: 'data';
  readonly bytes: Buffer;
}

/** The request is complete. */
export interface HttpEndFrame {
  readonly kind: 'end';
  /** Lines behind a body in chunks, with their line ends. */
  readonly trailers: string;
}

/** The stream is no HTTP, or too much: answer with the status and close. No frame follows. */
export interface HttpErrorFrame {
  readonly kind: 'error';
  /** 400, 413, 414, 417, 431, 501 or 505. */
  readonly status: number;
}

export type HttpFrame = HttpHeadFrame | HttpDataFrame | HttpEndFrame | HttpErrorFrame;

/**
 * Cuts a stream into the parts of its HTTP/1.1 requests: for programs that answer with bytes of their
 * own. One instance serves all connections of a loop; `codecState` of a connection is its parser.
 *
 * What is sent goes out as it is. A request is over with its `end`; only then may the answer to the
 * next one be sent. A handler that returns a promise gets no frame meanwhile.
 */
export class HttpCodec implements ICodec<HttpFrame> {
  readonly #limits: HttpLimits;

  /** @throws RangeError when a limit is not a whole number above 0. */
  constructor(limits: Partial<HttpLimits> = {}) {
    this.#limits = limitsFrom(limits);
  }

  encode(_source: FrameSource, bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  decode(source: FrameSource): HttpFrame | null {
    let parser = source.codecState as HttpParser | undefined;
    if (parser === undefined) {
      parser = new HttpParser(this.#limits);
      source.codecState = parser;
    }
    const bytes = source.read();
    const event = parser.next(bytes, 0, bytes.length);
    source.shiftN(parser.position);
    switch (event) {
      case HttpEvent.Head:
        return { kind: 'head', head: parser.head };
      case HttpEvent.Data:
        return { kind: 'data', bytes: bytes.subarray(parser.dataStart, parser.dataEnd) };
      case HttpEvent.End:
        return { kind: 'end', trailers: parser.trailers };
      case HttpEvent.Failed:
        return { kind: 'error', status: parser.status };
      default:
        return null;
    }
  }
}
