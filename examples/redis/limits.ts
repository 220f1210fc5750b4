/** What a client can make this server hold or scan. */
export const BULK_LENGTH_MAX = 8 * 1024 * 1024;
export const ARGUMENTS_MAX = 1024 * 1024;
/** Bytes of an inline command with its line end. */
export const INLINE_LENGTH_MAX = 64 * 1024;
/** Digits of a length, with a sign. */
export const LENGTH_DIGITS_MAX = 20;
/** Commands that one frame may hold; what is left over makes the next frame. */
export const BATCH_COMMANDS_MAX = 1024;
/** Databases that `SELECT` knows. */
export const DATABASES = 16;
/** Keys with a time limit that one tick looks at. */
export const EXPIRY_SCAN_MAX = 1_000;
