import type { Socket } from 'node:net';
import type { GnetError } from '../../base/errors.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import { closeDescriptor, duplicateDescriptor } from '../../syscall/descriptor.ts';
import { lastErrno, syscallError } from '../../syscall/last-errno.ts';
import { localName } from '../../syscall/socket.ts';
import { formatInet } from '../../syscall/socket-address.ts';
import type {
  AdoptedSocket,
  DatagramPeer,
  Endpoint,
  GivenSocket,
  Membership,
  SocketOptions,
  SocketSetting,
  SocketWish,
  TcpInfo,
} from '../contract.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import type { DatagramEndpoints } from './datagrams.ts';
import { adoptRuntimeSocket, adoptSocket } from './adopt-socket.ts';
import { grantWish } from './socket-options.ts';
import { notUnix, type PassedDescriptors } from './passed-descriptors.ts';
import { acceptWaitOf, setOnSocket, tcpInfoOf } from './live-socket-options.ts';
import { nativeSlabPool } from './native-memory.ts';
import type { Waker } from '../waker/waker.ts';

/** Listening sockets of a driver, by the number the loop gave them. */
export interface NativeListeners {
  listen(id: number, endpoint: Endpoint, options: SocketOptions): void;
  start(id: number): void;
  drain(id: number): void;
  pause(id: number): void;
  close(id: number): void;
  duplicate(id: number): number;
  descriptorOf(id: number): number;
  socketOf(id: number): GivenSocket;
  leave(id: number): void;
}

/**
 * What all drivers do alike that call the kernel themselves: listeners and datagram endpoints by their
 * descriptors, addresses, memory with an address. Streams and waiting are each driver's own.
 */
export abstract class NativeDriver {
  protected abstract readonly listeners: NativeListeners;
  protected abstract readonly datagrams: DatagramEndpoints;
  protected abstract readonly ledger: DescriptorLedger | undefined;
  protected abstract readonly waker: Waker;

  protected abstract readonly passed: PassedDescriptors;

  abstract descriptorOf(slot: number): number;
  abstract remoteAddress(slot: number): string;
  abstract isUnix(slot: number): boolean;

  holdDescriptors(slot: number, descriptors: readonly number[]): readonly number[] {
    if (!this.isUnix(slot)) throw notUnix(this.remoteAddress(slot));
    return this.passed.hold(descriptors);
  }

  takeDescriptor(slot: number): number {
    return this.passed.take(slot);
  }

  wish(slot: number, wish: SocketWish): void {
    grantWish(this.descriptorOf(slot), wish);
  }

  localAddress(slot: number): string {
    return localName(this.descriptorOf(slot));
  }

  set(slot: number, setting: SocketSetting, value: number): void {
    setOnSocket(this.descriptorOf(slot), setting, value);
  }

  tcpInfo(slot: number): TcpInfo | null {
    return tcpInfoOf(this.descriptorOf(slot));
  }

  acceptWaitMs(slot: number): number {
    return acceptWaitOf(this.descriptorOf(slot));
  }

  duplicateStream(slot: number): number {
    return duplicateDescriptor(this.descriptorOf(slot));
  }

  slabPool(slabBytes: number): SlabPool {
    return nativeSlabPool(slabBytes);
  }

  get wakeDescriptor(): number {
    return this.waker.descriptor;
  }

  wake(): void {
    this.waker.wake();
  }

  listen(listener: number, endpoint: Endpoint, options: SocketOptions): void {
    this.listeners.listen(listener, endpoint, options);
  }

  startAccepting(listener: number): void {
    this.listeners.start(listener);
  }

  drainBacklog(listener: number): void {
    this.listeners.drain(listener);
  }

  pauseAccepting(listener: number): void {
    this.listeners.pause(listener);
  }

  closeListener(listener: number): void {
    this.listeners.close(listener);
  }

  listenerAddress(listener: number): string {
    return sureName(this.listeners.descriptorOf(listener));
  }

  duplicateListener(listener: number): number {
    return this.listeners.duplicate(listener);
  }

  listenerSocket(listener: number): GivenSocket {
    return this.listeners.socketOf(listener);
  }

  leaveListener(listener: number): void {
    this.listeners.leave(listener);
  }

  endpointSocket(endpointId: number): GivenSocket {
    return this.datagrams.socketOf(endpointId);
  }

  adopt(descriptor: number, options: SocketOptions): AdoptedSocket {
    return adoptSocket(descriptor, options);
  }

  adoptSocket(socket: Socket, options: SocketOptions): AdoptedSocket {
    return adoptRuntimeSocket(socket, options);
  }

  pauseReceiving(endpointId: number): void {
    this.datagrams.pause(endpointId);
  }

  bind(endpointId: number, endpoint: Endpoint, options: SocketOptions): void {
    this.datagrams.bind(endpointId, endpoint, options);
  }

  startReceiving(endpointId: number): void {
    this.datagrams.start(endpointId);
  }

  refreshCounters(): void {
    this.datagrams.refreshOverflows();
  }

  sendDatagram(
    endpointId: number,
    peer: DatagramPeer,
    data: Uint8Array,
    local: DatagramPeer | null,
  ): boolean {
    return this.datagrams.sender.send(endpointId, peer, data, local);
  }

  sendDatagramNow(
    endpointId: number,
    peer: DatagramPeer,
    data: Uint8Array,
    local: DatagramPeer | null,
  ): boolean {
    return this.datagrams.sender.sendNow(endpointId, peer, data, local);
  }

  sendDatagrams(
    endpointId: number,
    peer: DatagramPeer,
    datagrams: readonly Uint8Array[],
    local: DatagramPeer | null,
  ): number {
    return this.datagrams.sender.sendAll(endpointId, peer, datagrams, local);
  }

  get typeOfService(): number {
    return this.datagrams.typeOfService;
  }

  setTypeOfService(endpointId: number, value: number): void {
    this.datagrams.setTypeOfService(endpointId, value);
  }

  changeMembership(endpointId: number, joins: boolean, membership: Membership): void {
    this.datagrams.changeMembership(endpointId, joins, membership);
  }

  datagramError(): GnetError {
    return this.datagrams.sender.lastRefusal();
  }

  sendDatagramFrom(
    endpointId: number,
    peer: DatagramPeer,
    slab: Slab,
    offset: number,
    length: number,
    local: DatagramPeer | null,
  ): boolean {
    return this.datagrams.sender.sendFrom(endpointId, peer, slab, offset, length, local);
  }

  drainEndpoint(endpointId: number): void {
    this.datagrams.drain(endpointId);
  }
  closeEndpoint(endpointId: number): void {
    this.datagrams.closeEndpoint(endpointId);
  }

  endpointAddress(endpointId: number): string {
    return sureName(this.datagrams.descriptorOf(endpointId));
  }

  duplicateEndpoint(endpointId: number): number {
    return duplicateDescriptor(this.datagrams.descriptorOf(endpointId));
  }

  formatPeer(peer: DatagramPeer): string {
    return formatInet(peer);
  }

  /** Of one that was accepted and never became a stream. */
  closeDescriptor(descriptor: number): void {
    closeDescriptor(descriptor, this.ledger?.bits);
  }
}

/** Where a socket is bound. @throws SyscallError: nobody could reach a server that does not know it. */
function sureName(socket: number): string {
  const name = localName(socket);
  if (name === '') throw syscallError('getsockname', lastErrno(), 'learn where a socket is bound');
  return name;
}
