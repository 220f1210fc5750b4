import { assert } from '../../base/assert.ts';
import { ErrInvalidOption, ErrUnsupportedOp } from '../../base/errors.ts';
import { type Address, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import type { ContextSettings } from '../context-settings.ts';
import { isNull, withText } from './arguments.ts';
import * as openssl from './bindings.ts';
import { callbacks, protocolArgument } from './callbacks.ts';
import { constants, ticketKeyLayout } from './constants.ts';
import { clearErrors, takeError } from './error-queue.ts';
import { runtimeRootStore } from './root-store.ts';
import { freeStore, makeStore, useIdentity, withCertificate } from './x509.ts';
import { objectKind, objectLedger } from '../object-ledger.ts';
import { TicketKeys } from '../ticket-keys.ts';

export type TlsRole = 'server' | 'client';

const { SSL_CTX_ctrl, SSL_get_SSL_CTX } = openssl;

/** ALPN names as a message encodes them: each after its length. */
function protocolList(protocols: readonly string[]): Buffer {
  return Buffer.concat(
    protocols.map((name) =>
      Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1')]),
    ),
  );
}

/** @throws ErrInvalidOption when OpenSSL does not understand the text of an option. */
function setText(option: string, text: string | undefined, set: (text: Address) => number): void {
  if (text === undefined || withText(text, set) === 1) return;
  throw new ErrInvalidOption(
    `cannot use ${option}: OpenSSL ${openssl.openssl.version} takes nothing from '${text}' ` +
      `(${takeError().text}); compare it with the lists that 'openssl ciphers' and 'openssl list' print`,
  );
}

function setLimits(context: Address, settings: ContextSettings): void {
  const { minVersion, maxVersion } = settings;
  SSL_CTX_ctrl(
    context,
    word(constants.SSL_CTRL_SET_MIN_PROTO_VERSION),
    word(minVersion),
    nullAddress,
  );
  SSL_CTX_ctrl(
    context,
    word(constants.SSL_CTRL_SET_MAX_PROTO_VERSION),
    word(maxVersion),
    nullAddress,
  );
  setText('ciphers', settings.ciphers, (text) => openssl.SSL_CTX_set_cipher_list(context, text));
  setText('ciphers', settings.cipherSuites, (text) =>
    openssl.SSL_CTX_set_ciphersuites(context, text),
  );
  setText('ecdhCurve', settings.groups, (text) =>
    SSL_CTX_ctrl(context, word(constants.SSL_CTRL_SET_GROUPS_LIST), word(0), text),
  );
  setText('sigalgs', settings.signatureAlgorithms, (text) =>
    SSL_CTX_ctrl(context, word(constants.SSL_CTRL_SET_SIGALGS_LIST), word(0), text),
  );
}

function setTrust(context: Address, role: TlsRole, settings: ContextSettings): void {
  const wanted = role === 'client' || settings.requestCert;
  if (!wanted) return;
  if (settings.trusted === 'runtime' && settings.revocations.length === 0) {
    openssl.SSL_CTX_set1_cert_store(context, runtimeRootStore());
    return;
  }
  const trusted = settings.trusted === 'runtime' ? [] : settings.trusted;
  const store = makeStore(trusted, settings.revocations);
  openssl.SSL_CTX_set1_cert_store(context, store);
  freeStore(store);
  if (role === 'client') return;
  // A client with several certificates picks one whose issuer is in this list.
  for (const der of trusted) {
    withCertificate(der, (certificate) => openssl.SSL_CTX_add_client_CA(context, certificate));
  }
}

function setVerification(context: Address, role: TlsRole, settings: ContextSettings): void {
  const { SSL_VERIFY_PEER, SSL_VERIFY_NONE, SSL_VERIFY_FAIL_IF_NO_PEER_CERT } = constants;
  if (role === 'client') {
    // Without SSL_VERIFY_PEER a client verifies all the same, and only goes on in any case.
    const mode = settings.rejectUnauthorized ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    openssl.SSL_CTX_set_verify(context, word(mode), nullAddress);
    return;
  }
  if (!settings.requestCert) return;
  if (settings.rejectUnauthorized) {
    const mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    openssl.SSL_CTX_set_verify(context, word(mode), nullAddress);
    return;
  }
  openssl.SSL_CTX_set_verify(context, word(SSL_VERIFY_PEER), needCallbacks('requestCert').yes);
}

function needCallbacks(option: string): NonNullable<typeof callbacks> {
  if (callbacks !== undefined) return callbacks;
  throw new ErrUnsupportedOp(
    `cannot use ${option} here: OpenSSL must call back for it, and this system does not let memory ` +
      `be made executable, or its CPU (${process.arch}) is not known; leave it out` +
      (option === 'requestCert' ? ', or set rejectUnauthorized' : ''),
  );
}

function setProtocols(context: Address, role: TlsRole, protocols: readonly string[]): void {
  if (protocols.length === 0) return;
  if (role === 'server') {
    const select = needCallbacks('ALPNProtocols').selectProtocol;
    openssl.SSL_CTX_set_alpn_select_cb(context, select, protocolArgument);
    return;
  }
  const list = protocolList(protocols);
  // 0 is success: the one function of OpenSSL where it is.
  const failed = openssl.SSL_CTX_set_alpn_protos(
    context,
    foreignInterface.addressOf(list),
    word(list.length),
  );
  assert(failed === 0 && list.length > 0, 'a list of protocols is taken');
}

function setSessions(context: Address, role: TlsRole, settings: ContextSettings): void {
  const { SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF } = constants;
  // Tickets keep sessions with the clients: nothing grows here, and every loop can resume.
  SSL_CTX_ctrl(context, word(SSL_CTRL_SET_SESS_CACHE_MODE), word(SSL_SESS_CACHE_OFF), nullAddress);
  openssl.SSL_CTX_set_timeout(context, word(settings.sessionTimeout));
  const id = Buffer.from(settings.sessionIdContext);
  openssl.SSL_CTX_set_session_id_context(context, foreignInterface.addressOf(id), word(id.length));
  if (role === 'server') openssl.SSL_CTX_set_num_tickets(context, word(ticketsPerHandshake));
}

/**
 * OpenSSL makes two by itself, for clients that open two connections at once and use a ticket once. A
 * ticket costs some 5 % of a full handshake, and saves the next one 15 to 20 %: one pays.
 */
const ticketsPerHandshake = 1;

function setCallbacks(context: Address, role: TlsRole, settings: ContextSettings): void {
  if (settings.keylog !== undefined) {
    openssl.SSL_CTX_set_keylog_callback(context, needCallbacks('keylog').noteKey);
  }
  if (callbacks === undefined) return;
  openssl.SSL_CTX_set_info_callback(context, callbacks.noteAlert);
  if (role === 'server') {
    // Says to the client that its name was understood, and ties the session to that name.
    const { SSL_CTRL_SET_TLSEXT_SERVERNAME_CB } = constants;
    openssl.SSL_CTX_callback_ctrl(context, word(SSL_CTRL_SET_TLSEXT_SERVERNAME_CB), callbacks.zero);
  }
}

/** Of contexts that nobody has disposed of, such as those of an upgrade, once nobody can use them. */
const forgotten = new FinalizationRegistry<HeldContext>(freeContext);

/** Contexts of this thread that hold an `SSL_CTX`. */
export const contextCounters: { live: number } = { live: 0 };

/** An `SSL_CTX` and its place in the ledger. */
interface HeldContext {
  readonly address: Address;
  readonly place: number;
}

function freeContext({ address, place }: HeldContext): void {
  objectLedger.remove(place);
  openssl.SSL_CTX_free(address);
  contextCounters.live--;
}

/**
 * What the sessions of one server name, or of one client, have in common: an `SSL_CTX`. Of one thread.
 * It may be disposed of while sessions use it: OpenSSL counts them.
 */
export class TlsContext {
  readonly role: TlsRole;
  readonly settings: ContextSettings;
  readonly ticketKeys: TicketKeys;
  /** Of OpenSSL; null after `dispose`. */
  #held: HeldContext | null;
  /** The key that the `SSL_CTX` has just now. */
  #ticketKey: Uint8Array | null = null;

  /** @throws ErrInvalidOption for what OpenSSL does not take, ErrUnsupportedOp for what cannot be. */
  constructor(role: TlsRole, settings: ContextSettings) {
    this.role = role;
    this.settings = settings;
    this.ticketKeys = settings.ticketKeys ?? new TicketKeys();
    clearErrors();
    const method = role === 'server' ? openssl.TLS_server_method() : openssl.TLS_client_method();
    const address = openssl.SSL_CTX_new(method);
    assert(!isNull(address), 'OpenSSL makes a context');
    this.#held = { address, place: objectLedger.add(objectKind.context, address) };
    contextCounters.live++;
    forgotten.register(this, this.#held, this);
    try {
      this.#configure(address);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #configure(context: Address): void {
    const { role, settings } = this;
    const { SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION } = constants;
    const order =
      role === 'server' && settings.honorCipherOrder
        ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE
        : 0;
    const options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | order;
    openssl.SSL_CTX_set_options(context, word(options));
    const mode = constants.SSL_MODE_RELEASE_BUFFERS | constants.SSL_MODE_AUTO_RETRY;
    SSL_CTX_ctrl(context, word(constants.SSL_CTRL_MODE), word(mode), nullAddress);
    setLimits(context, settings);
    for (const identity of settings.identities) useIdentity(context, identity);
    setTrust(context, role, settings);
    setVerification(context, role, settings);
    setProtocols(context, role, settings.protocols);
    setSessions(context, role, settings);
    setCallbacks(context, role, settings);
    if (role === 'server') this.#giveTicketKey(context, this.ticketKeys.newest);
  }

  get address(): Address {
    assert(this.#held !== null, 'a context is not used after it was disposed of');
    return this.#held.address;
  }

  /**
   * Tickets are read and made with that key until the next call.
   * @param ssl one of this context's; it keeps OpenSSL's part of one that was disposed of.
   */
  useTicketKey(key: Uint8Array, ssl: Address): void {
    if (key !== this.#ticketKey) this.#giveTicketKey(SSL_get_SSL_CTX(ssl), key);
  }

  #giveTicketKey(context: Address, key: Uint8Array): void {
    const copy = Buffer.from(key);
    const taken = SSL_CTX_ctrl(
      context,
      word(constants.SSL_CTRL_SET_TLSEXT_TICKET_KEYS),
      word(ticketKeyLayout.size),
      foreignInterface.addressOf(copy),
    );
    assert(taken === 1 && copy.length === ticketKeyLayout.size, 'a ticket key is taken');
    copy.fill(0);
    this.#ticketKey = key;
  }

  /** The first of our protocols that the client offers, as bytes; null when there is none. */
  protocolFor(offered: readonly string[]): Uint8Array | null {
    const chosen = this.settings.protocols.find((name) => offered.includes(name));
    return chosen === undefined ? null : Buffer.from(chosen, 'latin1');
  }

  /** Frees the `SSL_CTX` once the last session is over. Idempotent. */
  dispose(): void {
    if (this.#held === null) return;
    forgotten.unregister(this);
    freeContext(this.#held);
    this.#held = null;
  }
}
