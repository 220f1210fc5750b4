/** Everything a peer can make this server hold or scan, in bytes unless the name says otherwise. */
export const METHOD_LENGTH_MAX = 24;
export const TARGET_LENGTH_MAX = 8 * 1024;
/** All header lines together. */
export const HEADERS_LENGTH_MAX = 16 * 1024;
export const HEADER_COUNT_MAX = 100;
export const BODY_LENGTH_MAX = 1024 * 1024;
/** Chunk size with its extensions. */
export const CHUNK_LINE_LENGTH_MAX = 4 * 1024;
export const TRAILERS_LENGTH_MAX = 8 * 1024;
/** Empty lines that are forgiven in front of a request line. */
export const EMPTY_LINES_MAX = 4;
/** Requests that one read may put into one batch; what is left over makes the next batch. */
export const BATCH_REQUESTS_MAX = 64;
