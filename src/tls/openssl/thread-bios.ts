/**
 * The two BIOs of this thread, which all of its sessions share, so that a session has no memory of its
 * own for bytes on their way.
 *
 *   input   a read-only memory BIO. Where it reads from is written into its `BUF_MEM` before each call:
 *           OpenSSL takes the ciphertext from where the driver has put it, without a copy before.
 *   output  a memory BIO. What a call of OpenSSL has written is taken out right after that call, before
 *           any other session writes.
 *
 * Both are safe because calls of OpenSSL do not overlap on a thread, and because a session that wants
 * to read more has taken all there was: OpenSSL keeps the beginning of a record in the session.
 */
import { assert } from '../../base/assert.ts';
import { type Address, addressAt, foreignInterface, nullAddress, word } from '../../ffi/index.ts';
import { resultAddress, resultPlace } from './arguments.ts';
import { BIO_ctrl, BIO_new, BIO_new_mem_buf, BIO_read, BIO_s_mem, BIO_up_ref } from './bindings.ts';
import { bufMemLayout, constants } from './constants.ts';
import { objectKind, objectLedger } from '../object-ledger.ts';
import { allocate } from './native-memory.ts';

/** The two 32-bit words of each member of `BUF_MEM`. */
const lengthWord = bufMemLayout.fields.length.offset / 4;
const dataWord = bufMemLayout.fields.data.offset / 4;
const maxWord = bufMemLayout.fields.max.offset / 4;

/** The `BUF_MEM` of a memory BIO, which lives as long as the thread. */
function bufferOf(bio: Address): Uint32Array {
  BIO_ctrl(bio, word(constants.BIO_C_GET_BUF_MEM_PTR), word(0), resultPlace());
  return new Uint32Array(foreignInterface.view(resultAddress(), bufMemLayout.size));
}

const firstBytes = allocate(64);

const inputBio = BIO_new_mem_buf(firstBytes.address, word(firstBytes.buffer.byteLength));
objectLedger.add(objectKind.bio, inputBio);
const inputWords = bufferOf(inputBio);
/** With nothing left it asks for more; without this it would report an end. */
const askForMore = -1;
BIO_ctrl(inputBio, word(constants.BIO_C_SET_BUF_MEM_EOF_RETURN), word(askForMore), nullAddress);

const outputBio = BIO_new(BIO_s_mem());
objectLedger.add(objectKind.bio, outputBio);
const outputWords = bufferOf(outputBio);

/** References for one more session, whose `SSL_free` gives them back. */
export function lendBios(): { readonly input: Address; readonly output: Address } {
  BIO_up_ref(inputBio);
  BIO_up_ref(outputBio);
  return { input: inputBio, output: outputBio };
}

/** The next bytes to be read stand at `low` and `high` (two halves of an address) plus `offset`. */
export function setInput(low: number, high: number, offset: number, length: number): void {
  const sum = (low >>> 0) + offset;
  inputWords[dataWord] = sum;
  inputWords[dataWord + 1] = sum > 0xffffffff ? high + 1 : high;
  inputWords[lengthWord] = length;
  inputWords[maxWord] = length;
}

/** The next bytes to be read are these; they are referenced until the call of OpenSSL is over. */
export function setInputBytes(bytes: Uint8Array): void {
  const address = BigInt(foreignInterface.addressOf(bytes));
  setInput(Number(BigInt.asIntN(32, address)), Number(address >> 32n), 0, bytes.length);
}

/** Bytes of the input that were not read yet. */
export function inputLeft(): number {
  return inputWords[lengthWord] as number;
}

/** Nothing is left to be read. */
export function clearInput(): void {
  inputWords[lengthWord] = 0;
  inputWords[maxWord] = 0;
}

/** Takes away what is left for a while, so that another session can be called. */
export function keepInput(): Uint32Array {
  const kept = inputWords.slice();
  clearInput();
  return kept;
}

export function restoreInput(kept: Uint32Array): void {
  inputWords.set(kept);
}

/** Whether there is written output that was not taken yet. */
export function hasOutput(): boolean {
  return outputWords[lengthWord] !== 0;
}

/**
 * Moves what was written to `length` bytes at `address`; returns how many there were. Fewer than
 * `length`: that was all.
 */
export function takeOutput(address: Address, length: number): number {
  const count = BIO_read(outputBio, address, word(length));
  // The member goes on saying how much was written; from here on it says what was not taken.
  if (count < length) outputWords[lengthWord] = 0;
  return Math.max(count, 0);
}

/** Throws away what was written. */
export function discardOutput(): void {
  while (hasOutput()) takeOutput(firstBytes.address, firstBytes.buffer.byteLength);
}

/** That `BUF_MEM` is what we take it for: bytes given by `setInput` are those that come out. */
function checkLayout(): void {
  const text = Buffer.from(firstBytes.buffer);
  text.write('gnet');
  const address = BigInt(firstBytes.address);
  const low = Number(BigInt.asIntN(32, address));
  setInput(low, Number(address >> 32n), 1, 2);
  const count = BIO_read(inputBio, addressAt(firstBytes.address, 32), word(16));
  const correct = count === 2 && text.toString('latin1', 32, 34) === 'ne' && inputLeft() === 0;
  assert(correct, 'BUF_MEM of OpenSSL has the members of its header');
}
checkLayout();
clearInput();
