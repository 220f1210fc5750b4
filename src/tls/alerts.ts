/** Alerts of TLS 1.3 and of versions before it, by number (RFC 8446, 6; RFC 5246, 7.2). */
const alertNames: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
};

/** What a peer most likely means by it. */
const hints: Readonly<Record<string, string>> = {
  handshake_failure: 'it shares no cipher, group or kind of certificate with this side',
  protocol_version: 'it speaks none of the versions that this side allows (minVersion, maxVersion)',
  unknown_ca:
    'it does not trust the issuer of the certificate of this side: is the chain complete?',
  bad_certificate: 'it does not accept the certificate of this side',
  certificate_unknown: 'it does not accept the certificate of this side',
  certificate_expired: 'the certificate of this side has expired',
  certificate_revoked: 'the certificate of this side is revoked',
  certificate_required: 'it wants a certificate of this side: give `key` and `cert`',
  unrecognized_name: 'it does not serve the name that was asked for (servername)',
  no_application_protocol: 'it speaks none of the protocols that were offered (ALPNProtocols)',
  insufficient_security: 'it wants stronger ciphers or keys',
  decrypt_error: 'a signature or a shared secret did not fit',
  inappropriate_fallback: 'it knows a newer version than the one that was asked for',
};

/** `unknown_ca` for 48; `alert_200` for an unknown number. */
export function alertName(number: number): string {
  return alertNames[number] ?? `alert_${number}`;
}

/** What the peer most likely means, or nothing. */
export function alertHint(name: string): string | undefined {
  return hints[name];
}
