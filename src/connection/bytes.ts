/** Bytes to send: a `string` is sent as UTF-8. */
export type Bytes = Uint8Array | string;
