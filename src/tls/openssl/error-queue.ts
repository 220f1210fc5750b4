import { word } from '../../ffi/index.ts';
import { ERR_clear_error, ERR_error_string_n, ERR_peek_last_error } from './bindings.ts';
import { constants } from './constants.ts';
import { scratch } from './native-memory.ts';

/** What OpenSSL says of a call that failed. */
export interface OpensslError {
  /** Which part of OpenSSL: `constants.ERR_LIB_…`. */
  readonly library: number;
  readonly reason: number;
  /** `no shared cipher`. */
  readonly text: string;
}

const unknown: OpensslError = { library: 0, reason: 0, text: 'OpenSSL gives no reason' };

const textBytesMax = 256;

/**
 * The newest error of this thread's queue. The queue is empty afterwards: it is shared with
 * `node:crypto`, and what is left in it would be taken for the failure of a later call.
 */
export function takeError(): OpensslError {
  const code = ERR_peek_last_error() >>> 0;
  if (code === 0) return unknown;
  ERR_error_string_n(word(code), scratch.address, word(textBytesMax));
  ERR_clear_error();
  // "error:0A0000C1:SSL routines::no shared cipher"
  const whole = scratch.bytes.toString('latin1', 0, scratch.bytes.indexOf(0));
  return {
    library: (code >>> constants.ERR_LIB_OFFSET) & constants.ERR_LIB_MASK,
    reason: code & constants.ERR_REASON_MASK,
    text: whole.split(':').slice(4).join(':') || whole,
  };
}

/** Forgets what a call has left that failed as expected. */
export function clearErrors(): void {
  ERR_clear_error();
}
