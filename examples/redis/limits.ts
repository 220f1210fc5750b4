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
/** Longest pattern of KEYS and SCAN in bytes. */
export const PATTERN_LENGTH_MAX = 256;
/** Characters that one KEYS or SCAN may compare: some tenths of a second. */
export const PATTERN_WORK_MAX = 20_000_000;
/** Keys that one SCAN looks at, whatever its COUNT says. */
export const SCAN_COUNT_MAX = 10_000;
/** Scans of one database at once that are remembered. */
export const SCANS_MAX = 64;
/** Channels of one connection. */
export const CHANNELS_MAX = 1_000;
/** Pending output of one connection: a slow reader is cut off there. */
export const OUTPUT_MAX = 32 * 1024 * 1024;
/** Keys with a time limit that one tick looks at. */
export const EXPIRY_SCAN_MAX = 1_000;
