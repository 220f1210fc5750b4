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
    const { incoming } = parser;
    this.#deliverCopy(stream, parser, bytes);
    this.#bodyLeft = 0;
    // How much of a body came before, when its head did, is not known.
    if (parser.incoming !== incoming) this.#lookForBody(parser, length);
    return true;
  }

  /** So many bytes, or fewer, come to the parser by another way, such as the queue of the stream. */
  missed(length: number): void {
    this.#bodyLeft = Math.max(0, this.#bodyLeft - length);
  }

  /** The stream is given bytes that are in no count. */
  returned(): void {
    this.#bodyLeft = 0;
  }

  /** @param given bytes that the parser got at once with the head, which may be of the body */
  #lookForBody({ incoming }: Parser, given: number): void {
    if (incoming === undefined || incoming === null || incoming.complete === true) return;
    if (incoming.upgrade === true) return;
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
      if (!isAsBefore(stream, parser, errors)) giveAway();
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

/** An error of the parser takes a listener of `'error'` away, and an upgrade takes the parser. */
function isAsBefore(stream: Duplex, parser: Parser, errors: unknown): boolean {
  const now = stream as Listened;
  return (
    now.parser === parser &&
    !stream.destroyed &&
    parser.incoming?.upgrade !== true &&
    listenersOf(now._events?.error) === errors
  );
}
