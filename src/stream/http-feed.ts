import { Duplex } from 'node:stream';

/** That of Node: a program may look at all events by one of its own. */
const { emit } = Duplex.prototype;

/** A request, as far as it has come. */
interface Message {
  readonly upgrade?: unknown;
  readonly complete?: boolean;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What an HTTP server of Node puts on a socket; its class has the names of its callbacks. */
interface Parser {
  readonly incoming?: Message | null;
}

/** A stream as its events show it. */
interface Listened {
  readonly parser?: Parser | null;
  readonly _events?: { readonly data?: unknown; readonly error?: unknown };
}

/** More than one read brings goes in pieces; bytes. */
const memoryBytes = 65_536;
let memory = Buffer.allocUnsafeSlow(memoryBytes);
/** The beginning of it, as long as the bytes before were. */
let view = memory;
/** From this many bytes on it is worth while to look where a head ends. */
const largeBytes = 32_768;
/** Longer ones are refused by node:http, if it is not told otherwise; bytes. */
const headBytesMax = 16_384;
const carriageReturn = 13;
const lineFeed = 10;

/** A request handler may have a loop in the same thread run while its bytes are read. */
let isLent = false;

/**
 * Gives bytes to the parser of an HTTP server of Node, and nobody else, without new memory for each
 * read. Bodies and headers are copies that the parser makes. Only a protocol that begins behind a
 * request, and an error of the parser, keep the bytes themselves: then it is their memory from now on.
 * Neither is possible inside a body whose length was announced: its bytes go from where they arrived.
 */
export class HttpFeed {
  /** The listener that is known to be that of an HTTP server. */
  #known: unknown = null;
  /** The last request whose body did not come with its head. */
  #request: Message | null = null;
  /** At least that many bytes of its body are still to come. */
  #bodyLeft = 0;
  /** How long the head is that comes next, and nothing else with it. */
  #headLength = 0;
  /** What was given last is no request: the parser has told the server, with what stood there. */
  isRefused = false;

  /** With how many bytes of head a request begins here that has much more; 0 where that is not sure. */
  headLength(stream: Duplex, bytes: Uint8Array): number {
    if (bytes.length < largeBytes) return 0;
    const { parser } = stream as Listened;
    if (parser === undefined || parser === null) return 0;
    const { incoming } = parser;
    this.isRefused = false;
    const isAmid = incoming !== undefined && incoming !== null && incoming.complete !== true;
    this.#headLength = isAmid ? 0 : headLengthOf(bytes);
    return this.#headLength;
  }

  /** False: somebody else listens, too, or instead; nothing was done. */
  deliver(stream: Duplex, bytes: Uint8Array): boolean {
    const { parser, _events } = stream as Listened;
    if (parser === undefined || parser === null || _events === undefined) return false;
    if (_events.data !== this.#known && !this.#recognizes(parser, _events.data)) return false;
    if (stream.emit !== emit) return false;
    const { length } = bytes;
    if (length <= this.#bodyLeft && parser.incoming === this.#request) {
      this.#bodyLeft -= length;
      stream.emit('data', bytes);
      return true;
    }
    if (isLent || length > memoryBytes) return false;
    this.#deliverCopy(stream, parser, bytes);
    const ofBody = length === this.#headLength ? 0 : length;
    this.missed();
    this.#lookForBody(parser, ofBody);
    return true;
  }

  /** Bytes went to the parser by another way. */
  missed(): void {
    this.#bodyLeft = 0;
    this.#headLength = 0;
  }

  /** @param given bytes that the parser got at once with the head, which may be of the body */
  #lookForBody({ incoming }: Parser, given: number): void {
    if (incoming === undefined || incoming === null || incoming.complete === true) return;
    if (incoming === this.#request || incoming.upgrade === true) return;
    this.#request = incoming;
    const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers;
    if (length === undefined || coding !== undefined) return;
    this.#bodyLeft = Math.max(0, Number(length) - given);
  }

  #deliverCopy(stream: Duplex, parser: Parser, bytes: Uint8Array): void {
    const { length } = bytes;
    isLent = true;
    try {
      memory.set(bytes);
      if (view.length !== length) view = memory.subarray(0, length);
      const errors = listenersOf((stream as Listened)._events?.error);
      stream.emit('data', view);
      const now = stream as Listened;
      this.isRefused = now.parser === parser && listenersOf(now._events?.error) !== errors;
      if (this.isRefused || !isAsBefore(stream, parser)) giveAway();
    } catch (error) {
      giveAway();
      throw error;
    } finally {
      isLent = false;
    }
  }

  #recognizes(parser: Parser, listener: unknown): boolean {
    const isServer = typeof listener === 'function' && listener.name === 'bound socketOnData';
    if (!isServer || !copiesBodies(parser.constructor)) return false;
    this.#known = listener;
    return true;
  }
}

interface ParserClass {
  new (): {
    initialize(kind: unknown, resource: object): void;
    execute(bytes: Uint8Array): unknown;
    close(): void;
    [callback: number]: (value: unknown) => number;
  };
  readonly REQUEST: unknown;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
}

/** Lines that end otherwise are a matter of the parser. */
function headLengthOf(bytes: Uint8Array): number {
  const end = Math.min(bytes.length - 1, headBytesMax);
  let line = 0;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at];
    if (byte === lineFeed) return 0;
    if (byte !== carriageReturn) continue;
    if (bytes[++at] !== lineFeed) return 0;
    if (at === line + 1) return at + 1;
    line = at + 1;
  }
  return 0;
}

/** What was found out about classes of parsers. */
const judged = new WeakMap<object, boolean>();

/** A later Node might lend bodies, and so do parsers that programs put in place of Node's. */
function copiesBodies(parserClass: object): boolean {
  let copies = judged.get(parserClass);
  if (copies === undefined) {
    copies = tryParser(parserClass as ParserClass);
    judged.set(parserClass, copies);
  }
  return copies;
}

function tryParser(parserClass: ParserClass): boolean {
  const request = Buffer.allocUnsafeSlow(64);
  const length = request.write('POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na');
  let body: unknown;
  try {
    const parser = new parserClass();
    parser.initialize(parserClass.REQUEST, {});
    parser[parserClass.kOnHeadersComplete] = () => 0;
    parser[parserClass.kOnBody] = (part) => {
      body = part;
      return 0;
    };
    parser.execute(request.subarray(0, length));
    parser.close();
  } catch {
    return false;
  }
  return body instanceof Uint8Array && body.length === 1 && body.buffer !== request.buffer;
}

function giveAway(): void {
  memory = Buffer.allocUnsafeSlow(memoryBytes);
  view = memory;
}

/** One listener, or how many there are. */
function listenersOf(listeners: unknown): unknown {
  return Array.isArray(listeners) ? listeners.length : listeners;
}

/** An upgrade takes the parser; an error of the parser a listener of `'error'`, or the stream. */
function isAsBefore(stream: Duplex, parser: Parser): boolean {
  const isStill = (stream as Listened).parser === parser && !stream.destroyed;
  return isStill && parser.incoming?.upgrade !== true;
}
