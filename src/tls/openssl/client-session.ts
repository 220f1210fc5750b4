import { isIP } from 'node:net';
import { assert } from '../../base/assert.ts';
import type { Slab } from '../../buffer/slab.ts';
import { word } from '../../ffi/index.ts';
import { isRecordType } from '../client-hello.ts';
import type { TlsContext } from './context.ts';
import { cText, decode, encode, isNull } from './arguments.ts';
import {
  d2i_SSL_SESSION,
  i2d_SSL_SESSION,
  SSL_ctrl,
  SSL_get_session,
  SSL_get0_param,
  SSL_SESSION_free,
  SSL_SESSION_is_resumable,
  SSL_set_connect_state,
  SSL_set_hostflags,
  SSL_set_session,
  SSL_set1_host,
  X509_VERIFY_PARAM_set1_ip_asc,
} from './bindings.ts';
import { constants } from './constants.ts';
import { clearErrors } from './error-queue.ts';
import { TlsSession } from './session.ts';
import { TlsState } from '../session-states.ts';

export interface ClientSettings {
  /** The name that is asked for; an IP address is not sent, as the protocol wants it. */
  readonly serverName: string | undefined;
  /**
   * What the certificate must be for: a name or an IP address; undefined when somebody else looks at
   * it after the handshake.
   */
  readonly expectedName: string | undefined;
  /** As `takeSession` gave it, or `tlsSocket.getSession()`. */
  readonly session: Uint8Array | undefined;
}

/** The client's side. `handshake` makes its first message. */
export class ClientSession extends TlsSession {
  readonly context: TlsContext;
  readonly settings: ClientSettings;
  protected readonly peerRole = 'the server';
  #heard = false;

  constructor(context: TlsContext, settings: ClientSettings) {
    super(TlsState.Handshaking);
    assert(context.role === 'client', 'a client has the context of one');
    this.context = context;
    this.settings = settings;
    this.attach(context);
    SSL_set_connect_state(this.ssl);
    this.#nameServer(settings);
    if (settings.session !== undefined) this.#offer(settings.session);
  }

  #nameServer({ serverName, expectedName }: ClientSettings): void {
    if (serverName !== undefined && isIP(serverName) === 0) {
      const { SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name } = constants;
      const [command, type] = [SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name];
      SSL_ctrl(this.ssl, word(command), word(type), cText(serverName));
    }
    if (expectedName === undefined) return;
    if (isIP(expectedName) !== 0) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(this.ssl), cText(expectedName));
      return;
    }
    SSL_set_hostflags(this.ssl, word(constants.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS));
    SSL_set1_host(this.ssl, cText(expectedName));
  }

  /** A session that cannot be read, or has run out, is as good as none: the handshake is a full one. */
  #offer(der: Uint8Array): void {
    const session = decode(d2i_SSL_SESSION, der);
    if (!isNull(session)) {
      SSL_set_session(this.ssl, session);
      SSL_SESSION_free(session);
    }
    clearErrors();
  }

  /**
   * A session that another connection may resume, DER; null as long as the server has sent none. With
   * TLS 1.3 it comes after the handshake, and should be used once. Secret.
   */
  exportSession(): Buffer | null {
    if (this.state !== TlsState.Open) return null;
    const session = SSL_get_session(this.ssl);
    if (isNull(session) || SSL_SESSION_is_resumable(session) !== 1) return null;
    return encode(i2d_SSL_SESSION, session);
  }

  override receive(slab: Slab, start: number, end: number): void {
    const first = !this.#heard && end > start;
    super.receive(slab, start, end);
    if (!first) return;
    this.#heard = true;
    // A banner, or the answer of another protocol.
    if (!isRecordType(slab.bytes[start] as number)) {
      this.failAsPlainText(slab.bytes.subarray(start, end));
    }
  }
}
