/** Bounds of TLS. Bytes unless the name says otherwise. */

/** Plaintext of one record. */
export const recordBytesMax = 16_384;
/** The client's first message with its record headers: real ones have up to 2 KiB, some 17. */
export const helloBytesMax = 65_536;
/** Everything a peer may send before the handshake is over: its certificates above all. */
export const handshakeBytesMax = 196_608;
/** Answers of TLS itself, to new keys above all, that wait for a peer that asks for more of them. */
export const unreadAnswersMax = 65_536;

/** A connection that can send for ever leaves the thread to others after so many bytes. */
export const flushBytesPerTurn: number = 4 * 1_048_576;
/** More of the end of a handshake is sent at once: a slab has room for it and what is encrypted at once. */
export const heldBytesMax = 2_048;
