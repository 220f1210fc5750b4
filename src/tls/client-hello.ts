/**
 * The first message of a client, as far as a server must know it before OpenSSL does: which name is
 * asked for, which protocols are offered and which tickets are shown. OpenSSL could tell these only by
 * calling back. Nothing is judged here: what cannot be read is left to OpenSSL, which answers with the
 * alert that fits.
 */

export interface ClientHello {
  /** In lower case, without a dot at its end; undefined when the client names none. */
  readonly serverName: string | undefined;
  /** Names of ALPN, in the order of the client. */
  readonly protocols: readonly string[];
  /** The first 16 bytes of each ticket: the name of the key that it was made with. */
  readonly ticketKeyNames: readonly Uint8Array[];
}

/** What the first bytes of a connection are. */
export type FirstBytes =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** The beginning of a hello; with fewer than `needed` bytes in all it stays one. */
  | { readonly kind: 'incomplete'; readonly needed: number }
  /** Something else that OpenSSL may answer. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'plainText' };

const incomplete = (needed: number): FirstBytes => ({ kind: 'incomplete', needed });
const unknown: FirstBytes = { kind: 'unknown' };
const plainText: FirstBytes = { kind: 'plainText' };

const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const handshakeType = 22;
const clientHelloType = 1;
/** Types of records: change_cipher_spec to heartbeat. */
const recordTypeMin = 20;
const recordTypeMax = 24;
/** The first byte of a hello of SSL 2, which some clients sent to say that they know TLS. */
const oldHelloMark = 0x80;

const extensionNumber = { serverName: 0, protocols: 16, ticket: 35, preSharedKey: 41 } as const;
const hostNameType = 0;
const ticketKeyNameBytes = 16;
const ticketAgeBytes = 4;
const serverNameLengthMax = 255;

/** Reads numbers and pieces one after another; after the first one beyond the end, `failed` is true. */
class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
  failed = false;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** A big-endian number of one to three bytes. */
  number(byteLength: number): number {
    if (this.left < byteLength) {
      this.failed = true;
      this.at = this.end;
      return 0;
    }
    let value = 0;
    for (let index = 0; index < byteLength; index++) {
      value = (value << 8) | (this.bytes[this.at + index] as number);
    }
    this.at += byteLength;
    return value;
  }

  /** The next piece; its length precedes it in `lengthBytes` bytes. */
  piece(lengthBytes: number): Reader {
    const length = this.number(lengthBytes);
    const fits = length <= this.left;
    if (!fits) this.failed = true;
    const end = fits ? this.at + length : this.end;
    const piece = new Reader(this.bytes, this.at, end);
    this.at = end;
    return piece;
  }

  skip(count: number): void {
    if (count > this.left) this.failed = true;
    this.at = Math.min(this.end, this.at + count);
  }

  text(): string {
    return String.fromCharCode(...this.bytes.subarray(this.at, this.end));
  }
}

function readServerName(extension: Reader): string | undefined {
  const list = extension.piece(2);
  while (list.left > 0 && !list.failed) {
    const type = list.number(1);
    const name = list.piece(2);
    if (type !== hostNameType || list.failed) continue;
    if (name.left === 0 || name.left > serverNameLengthMax) return undefined;
    const text = name.text().toLowerCase();
    // Anything but visible ASCII is no host name: OpenSSL refuses a NUL, and no context has the rest.
    if (!/^[!-~]+$/.test(text)) return undefined;
    return text.endsWith('.') ? text.slice(0, -1) : text;
  }
  return undefined;
}

function readProtocols(extension: Reader): string[] {
  const list = extension.piece(2);
  const protocols: string[] = [];
  while (list.left > 0 && !list.failed) {
    const name = list.piece(1);
    if (!list.failed && name.left > 0) protocols.push(name.text());
  }
  return protocols;
}

function readKeyName(ticket: Reader): Uint8Array[] {
  if (ticket.left < ticketKeyNameBytes) return [];
  return [ticket.bytes.slice(ticket.at, ticket.at + ticketKeyNameBytes)];
}

function readIdentities(extension: Reader): Uint8Array[] {
  const list = extension.piece(2);
  const names: Uint8Array[] = [];
  while (list.left > 0 && !list.failed) {
    const identity = list.piece(2);
    list.skip(ticketAgeBytes);
    if (!list.failed) names.push(...readKeyName(identity));
  }
  return names;
}

/** The body of the message; undefined when it is not built as one. */
function readHello(body: Reader): ClientHello | undefined {
  const versionAndRandomBytes = 34;
  body.skip(versionAndRandomBytes);
  body.piece(1); // session id
  body.piece(2); // cipher suites
  body.piece(1); // compression
  let serverName: string | undefined;
  let protocols: string[] = [];
  const ticketKeyNames: Uint8Array[] = [];
  const extensions = body.left > 0 ? body.piece(2) : body;
  while (extensions.left > 0 && !extensions.failed) {
    const number = extensions.number(2);
    const extension = extensions.piece(2);
    if (extensions.failed) break;
    if (number === extensionNumber.serverName) serverName = readServerName(extension);
    else if (number === extensionNumber.protocols) protocols = readProtocols(extension);
    else if (number === extensionNumber.ticket) ticketKeyNames.push(...readKeyName(extension));
    else if (number === extensionNumber.preSharedKey) {
      ticketKeyNames.push(...readIdentities(extension));
    }
  }
  if (body.failed || extensions.failed) return undefined;
  return { serverName, protocols, ticketKeyNames };
}

/**
 * The message out of as many records as it takes. A record whose type is another one ends the search:
 * OpenSSL says what is wrong with it.
 */
function collectMessage(bytes: Uint8Array, start: number, end: number): Reader | FirstBytes {
  const pieces: Uint8Array[] = [];
  let collected = 0;
  /** Of the message with its header, once that is there. */
  let whole = Number.POSITIVE_INFINITY;
  let at = start;
  while (collected < whole) {
    if (end - at < recordHeaderBytes) return incompleteAt(at - start + recordHeaderBytes);
    if (bytes[at] !== handshakeType || bytes[at + 1] !== 3) return unknown;
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    if (length === 0) return unknown;
    const bodyStart = at + recordHeaderBytes;
    const bodyEnd = Math.min(end, bodyStart + length);
    if (bodyEnd > bodyStart) pieces.push(bytes.subarray(bodyStart, bodyEnd));
    collected += bodyEnd - bodyStart;
    const first = pieces[0];
    if (first !== undefined && first[0] !== clientHelloType) return unknown;
    if (whole === Number.POSITIVE_INFINITY && collected >= messageHeaderBytes) {
      const header = new Reader(pieces.length === 1 ? (first as Uint8Array) : join(pieces), 1, 4);
      whole = messageHeaderBytes + header.number(3);
    }
    if (collected < whole && bodyEnd < bodyStart + length) {
      return incompleteAt(bodyStart - start + length);
    }
    at = bodyEnd;
  }
  const all = pieces.length === 1 ? (pieces[0] as Uint8Array) : join(pieces);
  return new Reader(all, messageHeaderBytes, whole);

  function incompleteAt(nearest: number): FirstBytes {
    // The rest of the message is still to come, in whatever records: no need to look before.
    const missing = whole === Number.POSITIVE_INFINITY ? 0 : whole - collected;
    return incomplete(Math.max(nearest, end - start + missing));
  }
}

const join = (pieces: readonly Uint8Array[]): Uint8Array => Buffer.concat(pieces);

/** Whether a record can begin with that byte. */
export const isRecordType = (byte: number): boolean =>
  byte >= recordTypeMin && byte <= recordTypeMax;

/** What `bytes[start..end]`, the first of a connection, are. */
export function readFirstBytes(bytes: Uint8Array, start: number, end: number): FirstBytes {
  if (start === end) return incomplete(1);
  const first = bytes[start] as number;
  if (first >= oldHelloMark) return unknown;
  if (!isRecordType(first)) return plainText;
  const message = collectMessage(bytes, start, end);
  if (!(message instanceof Reader)) return message;
  const hello = readHello(message);
  return hello === undefined ? unknown : { kind: 'hello', hello };
}
