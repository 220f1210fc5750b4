/** The version of the OpenSSL that this runtime is linked with: `3.5.8`. */
export const runtimeOpensslVersion: string = process.versions['openssl'] ?? '';
