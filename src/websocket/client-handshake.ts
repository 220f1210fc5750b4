import { randomBytes } from 'node:crypto';
import type { FrameSource, ICodec } from '../codec/index.ts';
import { acceptAnswer, type DeflateAgreement, offerOf } from './deflate.ts';
import { acceptOf, hasToken } from './handshake.ts';
import type { ResolvedWebSocketOptions } from './options.ts';

const HEAD_MAX = 16 * 1024;
const CRLF = '\r\n';
const OWN_HEADERS = new Set(['upgrade', 'connection', 'content-length', 'transfer-encoding']);

/** What the server has agreed to. */
export interface Agreement {
  readonly protocol: string;
  readonly deflate: DeflateAgreement | null;
}

/** Cuts off the head of an answer, and nothing behind it. */
export const headCodec: ICodec = {
  encode: (_source, bytes) => bytes,
  decode(source: FrameSource): Buffer | null {
    const available = source.bufferLength();
    let at = source.scanned;
    for (;;) {
      const lineEnd = source.indexOfByte(0x0a, at);
      if (lineEnd < 0) break;
      const isLast =
        lineEnd >= 3 && source.byteAt(lineEnd - 2) === 0x0a && source.byteAt(lineEnd - 1) === 0x0d;
      at = lineEnd + 1;
      if (!isLast) continue;
      const head = source.readN(at);
      source.shiftN(at);
      return head;
    }
    source.scanned = available;
    if (available > HEAD_MAX) throw new Error('The answer to the handshake has no end');
    return null;
  },
};

/** An answer that another one follows (RFC 9110, 15.2): none of them says how the handshake goes. */
export function isInterim(head: string): boolean {
  return /^HTTP\/1\.1 1\d\d(?: |\r)/.test(head) && !head.startsWith('HTTP/1.1 101');
}

/** Headers that say what the request is; two of them would make it two requests, or none. */
function isOwn(name: string): boolean {
  return OWN_HEADERS.has(name) || name.startsWith('sec-websocket-');
}

/** One attempt to begin a WebSocket: what is asked, and whether the answer is right. */
export class ClientHandshake {
  readonly #key = randomBytes(16).toString('base64');
  readonly #options: ResolvedWebSocketOptions;
  readonly #url: URL;

  constructor(url: URL, options: ResolvedWebSocketOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** @throws TypeError for a header that cannot be sent, or is the handshake's own. */
  request(headers: NonNullable<ResponseInit['headers']> | undefined): Buffer {
    const { host, pathname, search } = this.#url;
    const { protocols, deflate } = this.#options;
    // Checked by Headers: no value can end its line.
    const further = new Headers(headers);
    const lines = [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${further.get('host') ?? host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${this.#key}`,
      'Sec-WebSocket-Version: 13',
    ];
    if (protocols.length > 0) lines.push(`Sec-WebSocket-Protocol: ${protocols.join(', ')}`);
    if (deflate !== null) lines.push(`Sec-WebSocket-Extensions: ${offerOf(deflate)}`);
    further.delete('host');
    for (const [name, value] of further) {
      if (isOwn(name)) {
        throw new TypeError(`Cannot send the header '${name}': the handshake has its own`);
      }
      lines.push(`${name}: ${value}`);
    }
    return Buffer.from(lines.join(CRLF) + CRLF + CRLF, 'latin1');
  }

  /** @throws Error when the server refuses, or agrees to what was not asked for. */
  check(head: string): Agreement {
    const [first = '', ...lines] = head.split(CRLF);
    if (!/^HTTP\/1\.1 101(?: |$)/.test(first)) {
      throw new Error(
        `Cannot begin the WebSocket: the server has answered ${JSON.stringify(first)}`,
      );
    }
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
    }
    const isRight =
      hasToken(headers.get('upgrade'), 'websocket') &&
      hasToken(headers.get('connection'), 'upgrade') &&
      headers.get('sec-websocket-accept') === acceptOf(this.#key);
    if (!isRight) throw new Error('Cannot begin the WebSocket: the answer is not for this request');
    return { protocol: this.#protocolOf(headers), deflate: this.#deflateOf(headers) };
  }

  #protocolOf(headers: Headers): string {
    const protocol = headers.get('sec-websocket-protocol') ?? '';
    if (protocol === '' || this.#options.protocols.includes(protocol)) return protocol;
    throw new Error(`Cannot begin the WebSocket: the server has chosen the protocol '${protocol}'`);
  }

  #deflateOf(headers: Headers): DeflateAgreement | null {
    const answer = headers.get('sec-websocket-extensions');
    if (answer === null) return null;
    const { deflate } = this.#options;
    const agreement = deflate === null ? null : acceptAnswer(answer, deflate);
    if (agreement !== null) return agreement;
    throw new Error(`Cannot begin the WebSocket: the server has chosen the extensions '${answer}'`);
  }
}
