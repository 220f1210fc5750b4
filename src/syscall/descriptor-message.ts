/**
 * Descriptors that go along with bytes over a Unix socket, as one control message: SCM_RIGHTS, unix(7).
 *
 *   memory: [ msghdr | iovec | cmsghdr, descriptors ]
 */
import { type Address, addressAt } from '../ffi/index.ts';
import { resultOf } from './last-errno.ts';
import { mapMemory, type NativeMemory } from './memory.ts';
import { alignControl } from './datagram-control.ts';
import { makeCloseOnExec } from './descriptor.ts';
import { sendMessage } from './socket.ts';
import { receiveMessageRaw } from './system-calls.ts';
import { constants, layouts } from './tables.ts';

/** The most descriptors that the kernel takes with one call: SCM_MAX_FD. */
export const descriptorsPerMessageMax = 253;

const message = layouts.msghdr;
const vector = layouts.iovec;
const header = layouts.cmsghdr;
const descriptorBytes = 4;
const vectorOffset = message.size;
const controlOffset = vectorOffset + vector.size;
/** Where the data of a control message begins. */
const dataOffset = alignControl(header.size);
const controlBytesMax = dataOffset + descriptorsPerMessageMax * descriptorBytes;
const memoryBytes = 4_096;

/** Nothing that is received may reach a process that the program starts: where no flag says so, we do. */
const comesInherited = constants.MSG_CMSG_CLOEXEC === undefined;

interface Message {
  readonly memory: NativeMemory;
  readonly view: DataView;
}

/** One for the thread: a call has let go of it when it returns. */
let made: Message | null = null;

function makeMessage(): Message {
  const memory = mapMemory(memoryBytes);
  const view = new DataView(memory.buffer);
  const point = (at: number, offset: number): void => {
    view.setBigUint64(at, BigInt(addressAt(memory.address, offset)), true);
  };
  point(message.fields.iov.offset, vectorOffset);
  point(message.fields.control.offset, controlOffset);
  view.setInt32(message.fields.iovlen.offset, 1, true);
  return { memory, view };
}

function setUp(address: Address, length: number, controlBytes: number): Message {
  made ??= makeMessage();
  const { view } = made;
  view.setBigUint64(vectorOffset + vector.fields.base.offset, BigInt(address), true);
  view.setUint32(vectorOffset + vector.fields.len.offset, length, true);
  view.setUint32(message.fields.controllen.offset, controlBytes, true);
  view.setInt32(message.fields.flags.offset, 0, true);
  return made;
}

/** As `send`, with 1 to 253 descriptors, which belong to the first byte. sendmsg(2) */
export function sendDescriptors(
  socket: number,
  address: Address,
  length: number,
  descriptors: readonly number[],
): number {
  const bytes = dataOffset + descriptors.length * descriptorBytes;
  const { memory, view } = setUp(address, length, bytes);
  view.setUint32(controlOffset + header.fields.len.offset, bytes, true);
  view.setInt32(controlOffset + header.fields.level.offset, constants.SOL_SOCKET, true);
  view.setInt32(controlOffset + header.fields.type.offset, constants.SCM_RIGHTS, true);
  const first = controlOffset + dataOffset;
  for (let at = 0; at < descriptors.length; at++) {
    view.setInt32(first + at * descriptorBytes, descriptors[at] as number, true);
  }
  return sendMessage(socket, memory.address);
}

/** What came with bytes. */
export interface ReceivedDescriptors {
  /** Close-on-exec. */
  readonly descriptors: number[];
  /** There were more, which the kernel could not give to this process: MSG_CTRUNC. */
  incomplete: boolean;
}

/** As `receive`; adds the descriptors that came along to `into`. recvmsg(2) */
export function receiveDescriptors(
  socket: number,
  address: Address,
  length: number,
  into: ReceivedDescriptors,
): number {
  const { memory, view } = setUp(address, length, controlBytesMax);
  const result = resultOf(receiveMessageRaw(socket, memory.address));
  into.incomplete = false;
  if (result < 0) return result;
  const flags = view.getInt32(message.fields.flags.offset, true);
  into.incomplete = (flags & constants.MSG_CTRUNC) !== 0;
  const controlBytes = view.getUint32(message.fields.controllen.offset, true);
  if (controlBytes > 0) readRights(view, controlOffset, controlOffset + controlBytes, into);
  return result;
}

function readRights(view: DataView, start: number, end: number, into: ReceivedDescriptors): void {
  let at = start;
  while (at + header.size <= end) {
    const bytes = view.getUint32(at + header.fields.len.offset, true);
    if (bytes < header.size) return;
    const level = view.getInt32(at + header.fields.level.offset, true);
    const type = view.getInt32(at + header.fields.type.offset, true);
    if (level === constants.SOL_SOCKET && type === constants.SCM_RIGHTS) {
      for (let one = at + dataOffset; one < at + bytes; one += descriptorBytes) {
        const descriptor = view.getInt32(one, true);
        if (comesInherited) makeCloseOnExec(descriptor);
        into.descriptors.push(descriptor);
      }
    }
    at += alignControl(bytes);
  }
}
