/**
 * Numbers of OpenSSL's headers, which are part of its binary interface throughout OpenSSL 3. Names are
 * those of C, so that a manual page can be followed. Compared with C by `scripts/layouts.ts`.
 */
export const constants = {
  // <openssl/ssl.h>
  SSL_SENT_SHUTDOWN: 1,
  SSL_RECEIVED_SHUTDOWN: 2,
  SSL_READING: 3,
  SSL_MODE_AUTO_RETRY: 0x4,
  SSL_MODE_RELEASE_BUFFERS: 0x10,
  SSL_OP_NO_TICKET: 0x4000,
  SSL_OP_NO_COMPRESSION: 0x20000,
  SSL_OP_CIPHER_SERVER_PREFERENCE: 0x400000,
  SSL_OP_NO_RENEGOTIATION: 0x40000000,
  SSL_SESS_CACHE_OFF: 0,
  SSL_VERIFY_NONE: 0,
  SSL_VERIFY_PEER: 1,
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT: 2,
  SSL_CTRL_MODE: 33,
  SSL_CTRL_SET_SESS_CACHE_MODE: 44,
  SSL_CTRL_SET_TLSEXT_SERVERNAME_CB: 53,
  SSL_CTRL_SET_TLSEXT_HOSTNAME: 55,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS: 59,
  SSL_CTRL_SET_GROUPS_LIST: 92,
  SSL_CTRL_SET_SIGALGS_LIST: 98,
  SSL_CTRL_SET_MIN_PROTO_VERSION: 123,
  SSL_CTRL_SET_MAX_PROTO_VERSION: 124,
  SSL_R_CERTIFICATE_VERIFY_FAILED: 134,
  SSL_TLSEXT_ERR_OK: 0,
  SSL_TLSEXT_ERR_ALERT_FATAL: 2,
  SSL_CB_ALERT: 0x4000,
  SSL_CB_READ: 0x4,
  SSL_CB_WRITE: 0x8,
  TLSEXT_NAMETYPE_host_name: 0,
  TLS1_VERSION: 0x301,
  TLS1_1_VERSION: 0x302,
  TLS1_2_VERSION: 0x303,
  TLS1_3_VERSION: 0x304,

  // <openssl/bio.h>
  BIO_C_GET_BUF_MEM_PTR: 115,
  BIO_C_SET_BUF_MEM_EOF_RETURN: 130,

  // <openssl/err.h>: an error is library << 23 | reason.
  ERR_LIB_SSL: 20,
  ERR_LIB_OFFSET: 23,
  ERR_LIB_MASK: 0xff,
  ERR_REASON_MASK: 0x7fffff,

  // <openssl/x509_vfy.h>, <openssl/x509v3.h>
  X509_V_OK: 0,
  X509_V_FLAG_CRL_CHECK: 0x4,
  X509_V_FLAG_CRL_CHECK_ALL: 0x8,
  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS: 0x4,
} as const;

/** What a fatal alert of the peer has as its reason: this, plus the number of the alert. */
export const alertReasonOffset = 1_000;

/** `struct buf_mem_st` of <openssl/buffer.h>, where pointers have 64 bits. */
export const bufMemLayout = {
  size: 32,
  fields: {
    length: { offset: 0, size: 8 },
    data: { offset: 8, size: 8 },
    max: { offset: 16, size: 8 },
  },
} as const;

/** Of a ticket key: name, key of the HMAC, key of the cipher. */
export const ticketKeyLayout = { size: 80, name: 16, hmacKey: 32, cipherKey: 32 } as const;
