/** Bytes to send: a `string` is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** Names a connection for ever: loop, slot and generation in one structured-clonable number. */
export type ConnId = number;
