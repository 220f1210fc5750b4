import { assert } from '../../base/assert.ts';
import type { GnetError } from '../../base/errors.ts';
import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import type { TlsContext } from './context.ts';
import { handshakeBytesMax } from '../limits.ts';
import { objectKind, objectLedger } from '../object-ledger.ts';
import {
  ERR_peek_last_error,
  SSL_do_handshake,
  SSL_free,
  SSL_get_shutdown,
  SSL_get_verify_result,
  SSL_key_update,
  SSL_new,
  SSL_read,
  SSL_set0_rbio,
  SSL_set0_wbio,
  SSL_shutdown,
  SSL_want,
  SSL_write,
} from './bindings.ts';
import { takeKeyLines } from './callbacks.ts';
import { constants } from './constants.ts';
import { clearErrors } from './error-queue.ts';
import {
  clearInput,
  discardOutput,
  hasOutput,
  inputLeft,
  keepInput,
  lendBios,
  restoreInput,
  setInput,
  setInputBytes,
  takeOutput,
} from './thread-bios.ts';
import {
  answersUnread,
  endedInHandshake,
  handshakeTooLong,
  optionThrew,
  type Origin,
  plainTextReceived,
  truncated,
} from '../peer-errors.ts';
import { failureOf } from './session-errors.ts';
import { factsOf, type SessionFacts } from '../session-facts.ts';
import { end, TlsState, tlsStateNames } from '../session-states.ts';

/** Sessions of this thread that hold an `SSL`: 0 again when every one was freed. */
export const sessionCounters: { live: number } = { live: 0 };

const SSL_READING = constants.SSL_READING;
const SSL_RECEIVED_SHUTDOWN = constants.SSL_RECEIVED_SHUTDOWN;

function placeIn(slab: Slab, offset: number): Address {
  return addressAt(slab.address ?? foreignInterface.addressOf(slab.bytes), offset);
}

/** The session that `input` of the thread belongs to. */
let inputOwner: TlsSession | null = null;

/**
 * One TLS connection without a socket: ciphertext in, plaintext out, and the other way round, all of it
 * in native memory. Whoever owns it moves the bytes. One step is
 *
 *     session.receive(slab, start, end);          what the driver has read
 *     session.handshake();                        until `state` is Open
 *     while ((n = session.read(...)) > 0) …       plaintext
 *     while ((n = session.takeOutput(...)) > 0) … ciphertext to be sent
 *     session.tellKeys();
 *
 * and output is taken before any other session of the thread is called. After a call that failed,
 * `failure` says why, and what `takeOutput` has is the alert for the peer.
 */
export abstract class TlsSession {
  /** Of OpenSSL; the null address before a server knows its context, and when freed. */
  protected ssl: Address = nullAddress;
  /** Of `ssl` in the ledger. */
  #place = -1;
  #state: TlsState;
  #ended = 0;
  #wasOpen = false;
  /** Of the handshake, as long as it lasts. */
  #handshakeBytes = 0;
  failure: GnetError | null = null;

  constructor(state: TlsState) {
    this.#state = state;
  }

  get state(): TlsState {
    return this.#state;
  }

  protected set state(state: TlsState) {
    this.#state = state;
  }

  /** `the client`, `the server`. */
  protected abstract readonly peerRole: string;
  /** Whose address messages name. */
  peer: { readonly remoteAddr: string } | null = null;

  /** Of the peer, for messages. */
  get peerName(): string {
    const address = this.peer?.remoteAddr ?? '';
    return /\d$/.test(address) ? `${this.peerRole} ${address}` : this.peerRole;
  }

  /** For errors. */
  protected get origin(): Origin {
    return this.peer === null ? {} : { address: this.peer.remoteAddr };
  }

  abstract readonly context: TlsContext | null;

  /** The peer has said that it will send nothing more. */
  get peerEnded(): boolean {
    return (this.#ended & end.received) !== 0;
  }

  /** We have said so. */
  get ended(): boolean {
    return (this.#ended & end.sent) !== 0;
  }

  protected get handshakeBytes(): number {
    return this.#handshakeBytes;
  }

  /** Makes the `SSL` of a context. */
  protected attach(context: TlsContext): void {
    this.ssl = SSL_new(context.address);
    this.#place = objectLedger.add(objectKind.session, this.ssl);
    sessionCounters.live++;
    const { input, output } = lendBios();
    SSL_set0_rbio(this.ssl, input);
    SSL_set0_wbio(this.ssl, output);
  }

  /**
   * Bytes `start..end` of `slab` were received. They must stay there until `handshake` and `read` have
   * taken them, which they do before they return 0.
   */
  receive(slab: Slab, start: number, end: number): void {
    assert(inputLeft() === 0, 'the input before was taken');
    if (this.#state < TlsState.Open) this.#countHandshake(end - start);
    if (this.#state >= TlsState.Failed) return;
    inputOwner = this;
    // Other code on this thread may have left errors that do not belong to this session.
    if (ERR_peek_last_error() !== 0) clearErrors();
    // Memory of the heap does not move either, but has to be asked for its place.
    if (slab.address === null) setInputBytes(slab.bytes.subarray(start, end));
    else setInput(slab.addressLow, slab.addressHigh, start, end - start);
  }

  #countHandshake(count: number): void {
    this.#handshakeBytes += count;
    if (this.#handshakeBytes <= handshakeBytesMax) return;
    this.fail(handshakeTooLong(this.peerName, this.origin));
  }

  /**
   * Goes on with the handshake; true when the session is open. A client calls it once without input to
   * begin.
   */
  handshake(): boolean {
    return this.advance(null);
  }

  /** As `handshake`, with input of our own in place of what was received. */
  protected advance(bytes: Buffer | null): boolean {
    if (this.#state === TlsState.Open) return true;
    if (this.#state !== TlsState.Handshaking) return false;
    assert(!hasOutput(), 'the output of the call before was taken');
    // A client may begin while another session is in the middle of its input.
    const others = inputOwner !== this && inputLeft() > 0 ? keepInput() : null;
    if (bytes !== null) setInputBytes(bytes);
    if (ERR_peek_last_error() !== 0) clearErrors();
    const result = SSL_do_handshake(this.ssl);
    if (bytes !== null) clearInput();
    if (others !== null) restoreInput(others);
    if (result === 1) {
      this.#state = TlsState.Open;
      this.#wasOpen = true;
      return true;
    }
    if (!this.#wantsMore()) this.fail(this.#failureOfCall());
    return false;
  }

  /**
   * Whether the call that gave nothing only waits for more input. What OpenSSL wants is not enough to
   * tell: inside messages of the handshake it wants to read after an error, too.
   */
  #wantsMore(): boolean {
    return SSL_want(this.ssl) === SSL_READING && ERR_peek_last_error() === 0;
  }

  /**
   * Plaintext to `limit` bytes from `offset` on in `into`; returns how many. 0: there is no more of it
   * now, and the input is taken; see `state` and `peerEnded` for why.
   */
  read(into: Slab, offset: number, limit: number): number {
    if (this.#state !== TlsState.Open || (this.#ended & end.received) !== 0) {
      this.dropInput();
      return 0;
    }
    const count = SSL_read(this.ssl, placeIn(into, offset), word(limit));
    if (count > 0) return count;
    if (!this.#wantsMore()) this.#readEnded();
    return 0;
  }

  /** Whether `read` would find nothing after it has returned fewer bytes than it was asked for. */
  get drained(): boolean {
    return inputLeft() === 0;
  }

  #readEnded(): void {
    // A fatal alert counts as an end, too, but leaves an error.
    const ended = (SSL_get_shutdown(this.ssl) & SSL_RECEIVED_SHUTDOWN) !== 0;
    if (ended && ERR_peek_last_error() === 0) {
      this.#ended |= end.received;
    } else {
      this.fail(this.#failureOfCall());
    }
    this.dropInput();
  }

  /** Bytes after an end are discarded. */
  dropInput(): void {
    if (inputOwner !== this) return;
    clearInput();
  }

  /** Encrypts `length` bytes at `offset` of `slab`; false when the session has failed or ended. */
  write(slab: Slab, offset: number, length: number): boolean {
    return this.writeAt(placeIn(slab, offset), length);
  }

  protected writeAt(address: Address, length: number): boolean {
    assert(this.#state === TlsState.Open, `a session that ${this.stateName} takes no data`);
    assert((this.#ended & end.sent) === 0, 'nothing is written behind the end');
    if (length === 0) return true;
    const count = SSL_write(this.ssl, address, word(length));
    if (count === length) return true;
    this.fail(this.#failureOfCall());
    return false;
  }

  /** Ciphertext to `limit` bytes from `offset` on in `into`; returns how many, 0 for no more. */
  takeOutput(into: Slab, offset: number, limit: number): number {
    if (!hasOutput()) return 0;
    return takeOutput(placeIn(into, offset), limit);
  }

  /** Whether `takeOutput` has something. */
  get hasOutput(): boolean {
    return hasOutput();
  }

  /**
   * The stream is broken, so this output cannot be sent. The thread's next session must not find
   * it.
   */
  discardOutput(): void {
    discardOutput();
  }

  /** Says that we send nothing more (close_notify). What the peer sends is read all the same. */
  close(): void {
    if (this.#state !== TlsState.Open || (this.#ended & end.sent) !== 0) return;
    this.#ended |= end.sent;
    SSL_shutdown(this.ssl);
    clearErrors();
  }

  /**
   * The transport has ended: an error when the peer had not said so before. What is written goes out
   * all the same: many peers end so, and wait for an answer.
   */
  transportEnded(): void {
    if (this.#state >= TlsState.Failed || this.peerEnded) return;
    if (this.#state === TlsState.Open) {
      this.#ended |= end.received;
      if (this.context?.settings.ignoreTruncation === true) return;
      this.failure ??= truncated(this.peerName, this.origin);
      return;
    }
    this.fail(endedInHandshake(this.peerName, this.origin));
  }

  /** TLS 1.3: new keys in both directions; the peer is asked for its own. */
  updateKeys(): void {
    const both = 1;
    assert(this.#state === TlsState.Open, 'keys are updated in an open session');
    SSL_key_update(this.ssl, word(both));
    SSL_do_handshake(this.ssl);
    clearErrors();
  }

  /** Whether `facts` can be asked: not before the handshake, and not after `free`. */
  get hasFacts(): boolean {
    return this.#wasOpen && this.ssl !== nullAddress;
  }

  /** What both sides have agreed on, and who the peer is. Of a session that is, or was, open. */
  facts(): SessionFacts {
    assert(this.hasFacts, `a session that ${this.stateName} has no facts`);
    const context = this.context as TlsContext;
    return factsOf(this.ssl, context.role === 'client' || context.settings.requestCert);
  }

  protected get stateName(): string {
    return tlsStateNames[this.#state] as string;
  }

  protected fail(error: GnetError): void {
    this.failure ??= error;
    this.#state = TlsState.Failed;
    this.dropInput();
  }

  protected failAsPlainText(bytes: Uint8Array): void {
    this.fail(plainTextReceived(this.peerName, bytes, this.origin));
  }

  #failureOfCall(): GnetError {
    return failureOf({
      opened: this.#state === TlsState.Open,
      verifyResult: SSL_get_verify_result(this.ssl),
      peer: this.peerName,
      origin: this.origin,
    });
  }

  /**
   * Gives the program's `keylog` what the step before has added; one that throws ends this session
   * alone. Call it when the output is taken: the program may write to another session of this thread,
   * which would take it along.
   */
  tellKeys(): void {
    const keylog = this.context?.settings.keylog;
    if (keylog === undefined) return;
    const lines = takeKeyLines();
    try {
      for (const line of lines.split('\n')) if (line !== '') keylog(line);
    } catch (thrown) {
      this.fail(optionThrew(this.peerName, 'keylog', thrown, this.origin));
    }
  }

  /** Answers to the peer wait, and it asks for more. */
  refuseUnread(bytesMax: number): void {
    if (this.#state !== TlsState.Open) return;
    this.fail(answersUnread(this.peerName, bytesMax, this.origin));
  }

  /** Gives everything back, sent or not. Idempotent. */
  free(): void {
    if (this.#state === TlsState.Freed) return;
    this.dropInput();
    if (inputOwner === this) inputOwner = null;
    this.#state = TlsState.Freed;
    if (this.ssl === nullAddress) return;
    discardOutput();
    objectLedger.remove(this.#place);
    SSL_free(this.ssl);
    this.ssl = nullAddress;
    sessionCounters.live--;
  }
}
