/**
 * What each system has in a way of its own: a folder a system, which has all of this. `system-calls.ts`
 * and `datagram-control.ts` choose. What one system alone has, such as epoll, is in its folder too, and
 * only the driver or the waker that is made of it imports it (`scripts/layers/systems.ts`).
 */
import type { InetAddress } from '../base/inet-address.ts';
import type { Address } from '../ffi/index.ts';

export interface SchedulingCalls {
  read(thread: number, into: Address): number;
  write(thread: number, from: Address): number;
  readonly byteLength: number;
  readonly policyOffset: number;
  readonly runtimeOffset: number;
}

export interface SystemCalls {
  /** A connection, non-blocking and close-on-exec, and its peer's name; -1 with an errno. */
  acceptRaw(listener: number, name: Address, nameLength: Address): number;
  /** recv(2) that never waits. -1 with an errno, as all of these. */
  receiveRaw(socket: number, address: Address, length: number): number;
  /** send(2) that never waits, and raises no SIGPIPE. */
  sendRaw(socket: number, address: Address, length: number): number;
  /** recvmsg(2) that never waits; descriptors that come along are close-on-exec where that can be had. */
  receiveMessageRaw(socket: number, message: Address): number;
  /** sendmsg(2), as `sendRaw`. */
  sendMessageRaw(socket: number, message: Address): number;
  /** Datagrams received into the headers, which begin where `view` does. */
  receiveMessagesRaw(socket: number, headers: Address, count: number, view: DataView): number;
  /** Datagrams sent of the headers. */
  sendMessagesRaw(socket: number, headers: Address, count: number): number;
  fcntlRaw(descriptor: number, command: number, argument: number): number;
  ioctlRaw(descriptor: number, request: number, argument: Address): number;
  /** ioctl(2) for the bytes in the send queue, or undefined where none tells. */
  readonly sendQueueRequest: number | undefined;
  /** Headers of several datagrams: how far apart, and where the length of what came in stands. */
  readonly batchHeader: { readonly size: number; readonly lengthOffset: number };
  /** What socket(2) is called in the C library. */
  readonly socketName: string;
  /**
   * The socket option with which the kernel spreads connections over all sockets that listen on an
   * address; undefined where it has none, or gives them all to one.
   */
  readonly spreadingOption: number | undefined;
  /** madvise(2): the memory is not needed any more. */
  readonly discardAdvice: number;
  /** How threads are scheduled, in a struct that begins with its size; undefined where none tells. */
  readonly schedulingRaw: SchedulingCalls | undefined;
}

/** What `readControl` found. */
export interface ReceivedControl {
  /**
   * Our address; family 0 when it was not said. Answers can leave from it: behind a broadcast it is
   * that of the interface. `scope` is the interface where routes cannot know it, or 0.
   */
  readonly local: InetAddress;
  /** Datagrams that the socket has dropped, modulo 2^32; -1 when it was not said. */
  overflowed: number;
  /** It was sent to all of a network. */
  toMany: boolean;
  /** TOS, or the traffic class; -1 when it was not said. */
  typeOfService: number;
  /** Several datagrams came as one, each but the last of that length; 0: it is one. */
  segmentBytes: number;
}

/**
 * What comes and goes beside a datagram, as control messages: to which of our addresses it was sent, so
 * that the answer can leave from there, and how many datagrams the socket has dropped.
 */
export interface DatagramControl {
  /** Where the next control message, or the data behind a header of so many bytes, begins. CMSG_SPACE(3) */
  alignControl(bytes: number): number;
  /** Whether the kernel cuts what `writeControl` says is several datagrams. */
  readonly cutsSegments: boolean;
  /** Room for all that can come with one datagram. */
  readonly controlBytesMax: number;
  /** From now on each datagram says to which address it was sent. 0 or minus an errno. */
  askForLocalAddress(socket: number, family: 4 | 6): number;
  /** From now on datagrams that come after dropped ones say how many those were. As above. */
  askForOverflows(socket: number): number;
  /** How many datagrams the socket has dropped, modulo 2^32, or minus an errno: it cannot be asked. */
  countOverflows(socket: number): number;
  /** Reads `length` bytes of control messages at `offset`. */
  readControl(view: DataView, offset: number, length: number, into: ReceivedControl): void;
  /**
   * Writes that a datagram leaves from `local`, and that it is to be cut into several of `segmentBytes`
   * (0: it is not); returns the length of the control messages.
   */
  writeControl(
    view: DataView,
    offset: number,
    local: InetAddress | null,
    segmentBytes?: number,
  ): number;
}
