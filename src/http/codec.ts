import type { FrameSource, ICodec } from '../codec/index.ts';
import type { HttpHead } from './head.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';
import { HttpEvent, HttpParser } from './parser.ts';

/** The head of a request; its bytes are lent until `react` returns. */
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
  /** The lines after a chunked body, with their line ends. */
  readonly trailers: string;
}

/**
 * The stream is not valid HTTP, or exceeds a limit: answer with the status and close. No frame
 * follows.
 */
export interface HttpErrorFrame {
  readonly kind: 'error';
  /** 400, 413, 414, 417, 431, 501 or 505. */
  readonly status: number;
}

export type HttpFrame = HttpHeadFrame | HttpDataFrame | HttpEndFrame | HttpErrorFrame;

/**
 * Cuts a stream into the parts of its HTTP/1.1 requests, for programs that write their answers as
 * bytes. One instance serves all connections of a loop; a connection's `codecState` is its parser.
 *
 * The codec sends bytes unchanged. A request is complete with its `end`; only then may you send the
 * answer to the next one. While a handler's promise is pending, it gets no frame.
 */
export class HttpCodec implements ICodec<HttpFrame> {
  readonly #limits: HttpLimits;

  /** @throws RangeError if a limit is not a whole number above 0. */
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
