/** Descriptors that go to another process with bytes of a Unix stream: see `Conn.sendDescriptor`. */
import { ErrInvalidOption, ErrUnsupportedOp } from '../base/errors.ts';
import { textOf } from '../base/thrown.ts';
import { remoteAddress } from './addresses.ts';
import { takesBytes } from './closing.ts';
import type { Bytes } from './conn.ts';
import { flushNow } from './flushing.ts';
import {
  admits,
  beforeWrite,
  breakOffFor,
  checkBytes,
  closeDescriptors,
  crossHigh,
  encode,
  encodeInPlace,
  encodesInPlace,
  openQueue,
} from './outbound.ts';
import { type Connection, type ConnectionRecord, is, isClosed } from './record.ts';
import { mark } from './states.ts';

/** What the kernel takes with one call. */
const descriptorsMax = 253;

export function lacksDescriptors(c: ConnectionRecord, action: string): ErrUnsupportedOp {
  const { name } = c.owner.driver;
  return new ErrUnsupportedOp(`cannot ${action}: the driver ${name} cannot; use a native driver`);
}

function checkDescriptors(given: number | readonly number[]): readonly number[] {
  const list = typeof given === 'number' ? [given] : given;
  const fits = Array.isArray(list) && list.length >= 1 && list.length <= descriptorsMax;
  if (!fits || !list.every((one) => Number.isSafeInteger(one) && one >= 0)) {
    throw new ErrInvalidOption(
      `cannot send ${textOf(given)} as descriptors: give a number, or 1 to ${descriptorsMax} of them`,
    );
  }
  return list;
}

export function sendDescriptors(
  c: Connection,
  given: number | readonly number[],
  data: Bytes,
): boolean {
  const list = checkDescriptors(given);
  const bytes = typeof data === 'string' ? Buffer.from(data) : checkBytes(data);
  if (bytes.length === 0) {
    throw new ErrInvalidOption('cannot send a descriptor without bytes: give at least one');
  }
  const { driver } = c.owner;
  if (driver.holdDescriptors === undefined) throw lacksDescriptors(c, 'send a descriptor');
  if (!takesBytes(c)) return false;
  if (c.transport !== driver) {
    throw new ErrUnsupportedOp(
      `cannot send a descriptor to ${remoteAddress(c)}: its bytes go through a layer, such as TLS, where ` +
        'none of them is known to the kernel; use a plain connection',
    );
  }
  attach(c, driver.holdDescriptors(c.slot, list), bytes);
  if (!isClosed(c)) flushNow(c);
  return !is(c, mark.aboveHigh) && !isClosed(c);
}

/** Encodes and takes bytes, the first of which has these duplicates with it. @throws as `put`. */
function attach(c: Connection, held: readonly number[], data: Uint8Array): void {
  let isAttached = false;
  try {
    isAttached = putAttached(c, held, data);
  } catch (error) {
    breakOffFor(c, error);
  } finally {
    if (!isAttached) closeDescriptors(c, held);
  }
  if (c.queue !== null && c.queue.length > c.settings.highWaterMark) crossHigh(c);
}

/** Whether the queue owns the duplicates now. */
function putAttached(c: Connection, held: readonly number[], data: Uint8Array): boolean {
  if (!is(c, mark.identity) && encodesInPlace(c)) {
    if (!admits(c, data.length)) return false;
    const before = openQueue(c).length;
    encodeInPlace(c, data, false);
    return attachAt(c, held, before);
  }
  let bytes = data;
  if (is(c, mark.identity)) beforeWrite(c);
  else bytes = encode(c, data);
  if (isClosed(c) || !admits(c, bytes.length)) return false;
  const queue = openQueue(c);
  const before = queue.length;
  // Not `put`: large ones would go straight to the kernel.
  queue.push(bytes, 0, bytes.length);
  return attachAt(c, held, before);
}

/** To the first byte behind `before`; false when nothing came behind it. */
function attachAt(c: Connection, held: readonly number[], before: number): boolean {
  const { queue } = c;
  if (queue === null || queue.length <= before) return false;
  queue.attach(held, before);
  return true;
}
