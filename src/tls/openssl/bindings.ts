/**
 * OpenSSL's functions, under its own names. Module constants, so that the JIT sees each function at
 * its call sites. Importing this throws `ErrTlsUnavailable` where there is no OpenSSL: whatever needs
 * it is imported when TLS is used.
 *
 * Words are addresses or `word(n)`; see each function's manual page for the rest.
 */
import { environment } from '../../base/environment.ts';
import { nullAddress, word } from '../../ffi/index.ts';
import { findOpenssl, type OpensslOrigin } from './library.ts';

/** For tests: which of them to try. `node:tls` names the other engine, and is no place to look. */
const wanted = environment['GNET_OPENSSL'] as OpensslOrigin | 'node:tls' | '' | undefined;

const library = findOpenssl(wanted && wanted !== 'node:tls' ? [wanted] : undefined);

/** `{ origin: 'runtime', version: '3.5.8' }`. */
export const openssl: { readonly origin: OpensslOrigin; readonly version: string } = {
  origin: library.origin,
  version: library.version,
};

export const {
  SSL_CTX_new,
  SSL_CTX_free,
  SSL_CTX_ctrl,
  SSL_CTX_callback_ctrl,
  SSL_CTX_set_options,
  SSL_CTX_set_cipher_list,
  SSL_CTX_set_ciphersuites,
  SSL_CTX_use_cert_and_key,
  SSL_CTX_set_session_id_context,
  SSL_CTX_set_timeout,
  SSL_CTX_set_num_tickets,
  SSL_CTX_set_alpn_protos,
  SSL_CTX_set_alpn_select_cb,
  SSL_CTX_set_info_callback,
  SSL_CTX_set_keylog_callback,
  SSL_CTX_set_verify,
  SSL_CTX_set1_cert_store,
  SSL_CTX_add_client_CA,
  TLS_server_method,
  TLS_client_method,

  SSL_new,
  SSL_free,
  SSL_ctrl,
  SSL_set0_rbio,
  SSL_set0_wbio,
  SSL_set_accept_state,
  SSL_set_connect_state,
  SSL_set1_host,
  SSL_set_hostflags,
  SSL_set_session,
  SSL_do_handshake,
  SSL_read,
  SSL_write,
  SSL_want,
  SSL_shutdown,
  SSL_get_shutdown,
  SSL_key_update,
  SSL_version,
  SSL_get_verify_result,
  SSL_session_reused,
  SSL_get0_alpn_selected,
  SSL_get0_param,
  SSL_get_SSL_CTX,
  SSL_get_session,
  SSL_get1_peer_certificate,
  SSL_get_current_cipher,
  SSL_CIPHER_get_name,
  SSL_CIPHER_standard_name,
  SSL_CIPHER_get_version,

  SSL_SESSION_is_resumable,
  SSL_SESSION_free,
  i2d_SSL_SESSION,
  d2i_SSL_SESSION,

  BIO_new,
  BIO_new_mem_buf,
  BIO_s_mem,
  BIO_free,
  BIO_up_ref,
  BIO_read,
  BIO_ctrl,

  X509_STORE_new,
  X509_STORE_free,
  X509_STORE_add_cert,
  X509_STORE_add_crl,
  X509_STORE_set_flags,
  X509_VERIFY_PARAM_set1_ip_asc,
  X509_free,
  X509_CRL_free,
  d2i_X509,
  d2i_X509_CRL,
  i2d_X509,
  d2i_AutoPrivateKey,
  i2d_PrivateKey,
  EVP_PKEY_free,
  d2i_PKCS12,
  PKCS12_parse,
  PKCS12_free,
  OPENSSL_sk_new_null,
  OPENSSL_sk_push,
  OPENSSL_sk_num,
  OPENSSL_sk_value,
  OPENSSL_sk_free,

  ERR_peek_last_error,
  ERR_clear_error,
  ERR_error_string_n,
} = library.functions;

// Reads the configuration and its providers; where the runtime has done so, nothing happens.
library.functions.OPENSSL_init_ssl(word(0), nullAddress);
