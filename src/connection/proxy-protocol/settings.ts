/** Which connections begin with a header; structured-clonable, so that loops on threads get it. */
export interface ProxyProtocolSettings {
  readonly mode: 'required' | 'optional';
  /** Addresses and networks (`10.0.0.0/8`) that may send one; undefined: everybody. */
  readonly trusted: readonly string[] | undefined;
}
