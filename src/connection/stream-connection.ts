import { assert } from '../base/assert.ts';
import { awaitsCodec } from '../base/codec-to-come.ts';
import { ErrUnsupportedOp, type GnetError } from '../base/errors.ts';
import { portIn } from '../base/inet-address.ts';
import type { Slab } from '../buffer/slab.ts';
import type { ICodec } from '../codec/codec.ts';
import { peekAt, takeNext } from '../codec/frame.ts';
import type { EventScope } from '../host/event-scope.ts';
import { localAddress, nameAddresses as nameAddressesOf, remoteAddress } from './addresses.ts';
import {
  abort as abortOf,
  beginClose,
  beginRequestedClose,
  closeWithServer as closeWithServerOf,
  cutOff,
  delivers,
  force as forceOf,
  leaveHandler,
  refuse,
  requestClose,
  requestEnd,
  requestReset,
  giveUp,
  takesBytes,
  transportFailed,
} from './closing.ts';
import type { Bytes, Conn, ConnId, Timeouts } from './conn.ts';
import type { Sendable } from './prepared.ts';
import {
  deadlinePassed as deadlinePassedOf,
  setTimeouts as setTimeoutsOf,
} from './timeout-passed.ts';
import type { EncodeSink, EncodeTarget } from './encode-sink.ts';
import type { EventHandler } from './conn.ts';
import { callOnDrain, callSignalClose, setHandler as setHandlerOf } from './call-handler.ts';
import { setFlow as setFlowOf } from './flow-settings.ts';
import type { Flow } from './conn-settings.ts';
import { flushNow, sendPending, unblock } from './flushing.ts';
import { retain as retainOf, runWakes, wake as wakeOf } from './frames.ts';
import type { OwnedConnection } from './owner.ts';
import { toConnId } from './conn-id.ts';
import {
  bufferLength as bufferLengthOf,
  byteAt as byteAtOf,
  indexOfByte as indexOfByteOf,
  readN as readNOf,
  resetBuffer as resetBufferOf,
  shiftN as shiftNOf,
} from './inbound.ts';
import type { LayeredConnection } from './layer.ts';
import type { LoopView } from './conn.ts';
import {
  giveUpWaiting as giveUpWaitingOf,
  outboundBuffered as outboundBufferedOf,
  sendAhead as sendAheadOf,
  takeWrapped as takeWrappedOf,
} from './outbound.ts';
import { opened as openedOf } from './opening.ts';
import { handlerRuns, pause, resume } from './pausing.ts';
import type { ProxiedConnection } from './proxy-protocol/format.ts';
import { proxiedBy } from './proxy-protocol/proxied.ts';
import { continueReading, ended as endedOf, received as receivedOf } from './reading.ts';
import { is, isClosed, rareOf } from './record.ts';
import { mark, pauseReason, programPauses, State, task } from './states.ts';
import { scheduleFlush } from './deferred-tasks.ts';
import { awaitCodec, setCodec as setCodecOf } from './set-codec.ts';
import { setTimer as setTimerOf } from './timers.ts';
import { checkConnection } from './transitions.ts';
import { SocketFace } from './socket-face.ts';
import {
  beginUpgrade,
  clearOutbound as clearOutboundOf,
  endUpgrade,
  loadUpgrade,
  takeReceived as takeReceivedOf,
} from './upgrading.ts';
import type { UpgradeOptions } from './tls/upgrade-options.ts';
import { type TlsInfo, tlsOf } from './tls/info.ts';
import { hasRoom as hasRoomOf, whenRoom as whenRoomOf } from './when-flushed.ts';
import {
  asyncWrite as asyncWriteOf,
  asyncWritev as asyncWritevOf,
  flushWrite as flushWriteOf,
  tryWrite as tryWriteOf,
  writeNoCodec as writeNoCodecOf,
  writev as writevOf,
} from './writing.ts';

/**
 * One stream connection, owned by one loop: its record, and the face that the loop, the transport, the
 * codec and the program see. What each of these does is in the module of that name.
 */
export class StreamConnection
  extends SocketFace
  implements Conn, LayeredConnection, EncodeTarget, OwnedConnection
{
  get connection(): StreamConnection {
    return this;
  }

  // -- as the transport sees it -------------------------------------------------------------------

  /** A layer below calls `opened` later: until then the program does not hear of the connection. */
  notOpenedYet(): void {
    this.marks |= mark.unopened;
  }

  /** The stream is open; calls `onOpened`. */
  opened(): void {
    openedOf(this);
  }

  received(slab: Slab, start: number, end: number): void {
    receivedOf(this, slab, start, end);
  }

  bytesCame(): void {
    this.lastReceived = this.owner.now;
  }

  ended(): void {
    endedOf(this);
  }

  /** The peer ended its side without the last word of TLS: as `ended`, and `onClosed` has the error. */
  endedEarly(error: GnetError): void {
    cutOff(this, error);
    endedOf(this);
  }

  /** The layer below has given up: what is pending cannot be sent; the stream ends in order. */
  refused(error: GnetError): void {
    refuse(this, error);
  }

  /** It has no reason of its own not to read. */
  get isReading(): boolean {
    return this.paused === 0 || this.state !== State.Open;
  }

  writable(): void {
    if (!this.isClosed) unblock(this);
  }

  failed(error: GnetError): void {
    transportFailed(this, error);
  }

  // -- as the loop sees it ------------------------------------------------------------------------

  /** The scheduled flush. */
  flushPending(): void {
    this.marks &= ~mark.flushScheduled;
    if (!this.isClosed) sendPending(this);
  }

  /** Does what was put off until the loop had handled its events. */
  runTasks(): void {
    const { tasks } = this;
    this.tasks = 0;
    if ((tasks & task.abort) !== 0) abortOf(this, undefined);
    if (this.isClosed) return;
    this.marks |= mark.handling;
    if ((tasks & task.drain) !== 0) callOnDrain(this);
    if ((tasks & (task.wake | task.continue)) !== 0) runWakes(this);
    if ((tasks & task.continue) !== 0) continueReading(this);
    if ((tasks & task.close) !== 0) beginRequestedClose(this);
    leaveHandler(this);
    if (!this.isClosed) sendPending(this);
  }

  deadlinePassed(now: number): void {
    deadlinePassedOf(this, now);
  }

  /** The server stops, and the program hears of it; `closeWithServer` follows. */
  signalClose(): void {
    if (this.isClosed) return;
    if (this.state === State.Open) callSignalClose(this);
    if (!this.isClosed) scheduleFlush(this);
  }

  closeWithServer(): void {
    closeWithServerOf(this);
  }

  /** The server stops, and a handler that is still at work has had its time. */
  closeWithoutAnswer(): void {
    beginClose(this, undefined);
  }

  /** The program knows of it. */
  get isOpened(): boolean {
    return !is(this, mark.unopened);
  }

  /** Its peer is about to say what it wants: nothing came yet, or a frame is unfinished. */
  get expectsInput(): boolean {
    return !is(this, mark.readEnded) && (!is(this, mark.heard) || this.bufferLength() > 0);
  }

  /** It is on its way to its end, or there already. */
  get hasLeft(): boolean {
    return this.state !== State.Open || is(this, mark.closeRequested);
  }

  get isPausedByProgram(): boolean {
    return (this.paused & programPauses) !== 0;
  }

  /** Something waits that is ours to do: frames, wakes, the promise of a handler, full output. */
  get isBusy(): boolean {
    return this.tasks !== 0 || (this.paused & ~programPauses) !== 0;
  }

  /** The promise of an earlier event has not settled. */
  get handlerRuns(): boolean {
    return handlerRuns(this) || is(this, mark.sayingGoodbye);
  }

  abort(error: Error | undefined): void {
    abortOf(this, error);
  }

  force(error: Error | undefined): void {
    forceOf(this, error);
  }

  /** Events run in this context from now on, instead of the server's. */
  runIn(scope: EventScope): void {
    rareOf(this).scope = scope;
  }

  sendAhead(bytes: Uint8Array): void {
    sendAheadOf(this, bytes);
  }

  nameAddresses(local: string | undefined, remote: string | undefined): void {
    nameAddressesOf(this, local, remote);
  }

  /** What must hold between two calls, for tests. */
  checkInvariants(): void {
    checkConnection(this);
    assert(this.window === null || is(this, mark.handling), 'bytes rest in the ring');
  }

  get isClosed(): boolean {
    return isClosed(this);
  }

  /** No new bytes are taken. */
  get isClosing(): boolean {
    return !takesBytes(this);
  }

  // -- as its codec sees it -----------------------------------------------------------------------

  takeWrapped(
    sink: EncodeSink,
    prefixLength: number,
    payload: Uint8Array,
    suffix: Uint8Array | null,
  ): void {
    takeWrappedOf(this, sink, prefixLength, payload, suffix);
  }

  bufferLength(): number {
    return bufferLengthOf(this);
  }

  read(): Buffer {
    return readNOf(this, 0);
  }

  readN(n: number): Buffer {
    return readNOf(this, n);
  }

  shiftN(n: number): number {
    return shiftNOf(this, n);
  }

  resetBuffer(): void {
    resetBufferOf(this);
  }

  peek(n = -1): Buffer | null {
    return peekAt(this, n);
  }

  next(n = -1): Buffer | null {
    return takeNext(this, n);
  }

  discard(n = -1): number {
    return shiftNOf(this, n);
  }

  inboundBuffered(): number {
    return bufferLengthOf(this);
  }

  byteAt(offset: number): number {
    return byteAtOf(this, offset);
  }

  indexOfByte(byte: number, from: number): number {
    return indexOfByteOf(this, byte, from);
  }

  // -- as the program sees it, besides ------------------------------------------------------------

  get id(): ConnId {
    return toConnId(this.owner.index, this.slot, this.generation);
  }

  get safeContext(): unknown {
    return this.rare === null || isClosed(this) ? undefined : this.rare.safeContext;
  }

  set safeContext(value: unknown) {
    if (!isClosed(this)) rareOf(this).safeContext = value;
  }

  get loop(): LoopView {
    return this.owner.face;
  }

  get fd(): number {
    return this.state === State.Closed ? -1 : this.owner.driver.descriptorOf(this.slot);
  }

  get localAddr(): string {
    return localAddress(this);
  }

  get remoteAddr(): string {
    return remoteAddress(this);
  }

  get localPort(): number {
    return portIn(localAddress(this));
  }

  get remotePort(): number {
    return portIn(remoteAddress(this));
  }

  get proxied(): ProxiedConnection | undefined {
    return proxiedBy(this);
  }

  get tls(): TlsInfo | undefined {
    return tlsOf(this);
  }

  get readEnded(): boolean {
    return is(this, mark.readEnded);
  }

  outboundBuffered(): number {
    return outboundBufferedOf(this);
  }

  get hasRoom(): boolean {
    return hasRoomOf(this);
  }

  whenRoom(): Promise<void> {
    return whenRoomOf(this);
  }

  giveUpWaiting(): void {
    giveUpWaitingOf(this);
  }

  asyncWrite(data: Sendable): boolean {
    return asyncWriteOf(this, data);
  }

  writeNoCodec(data: Sendable): boolean {
    return writeNoCodecOf(this, data);
  }

  tryWrite(data: Uint8Array): number {
    return tryWriteOf(this, data);
  }

  writev(parts: readonly Bytes[]): boolean {
    return writevOf(this, parts);
  }

  asyncWritev(parts: readonly Bytes[]): boolean {
    return asyncWritevOf(this, parts);
  }

  flushWrite(data: Sendable, noCodec = false): Promise<void> {
    return flushWriteOf(this, data, noCodec);
  }

  sendTo(_data: Bytes): boolean {
    throw new ErrUnsupportedOp(
      'cannot send a datagram on a stream connection: sendTo is for UDP, use asyncWrite',
    );
  }

  wake(): void {
    wakeOf(this);
  }

  pauseRead(): void {
    this.owner.leaks?.paused(this);
    pause(this, pauseReason.user);
  }

  resumeRead(): void {
    this.owner.leaks?.resumed(this);
    resume(this, pauseReason.user);
  }

  end(): void {
    requestEnd(this);
  }

  close(): void {
    requestClose(this);
  }

  reset(): void {
    requestReset(this);
  }

  destroy(): void {
    giveUp(this);
  }

  flush(): void {
    flushNow(this);
  }

  retain(frame: Uint8Array): () => void {
    return retainOf(this, frame);
  }

  setFlow(flow: Flow): void {
    setFlowOf(this, flow);
  }

  setTimer(ms: number, fn: () => void): () => void {
    return setTimerOf(this, ms, fn);
  }

  setTimeouts(timeouts: Timeouts): void {
    setTimeoutsOf(this, timeouts);
  }

  setHandler(handler: EventHandler<unknown>): void {
    setHandlerOf(this, handler);
  }

  setCodec(codec: ICodec<unknown>): void {
    setCodecOf(this, codec);
  }

  [awaitsCodec](): void {
    awaitCodec(this);
  }

  async upgradeTls(options: UpgradeOptions): Promise<void> {
    // At once: what comes behind this frame is no frame any more.
    const begun = this.tls === undefined && beginUpgrade(this);
    const { upgrade } = await loadUpgrade(this, begun);
    return upgrade(this, options, begun);
  }

  // -- as its upgrade to TLS sees it --------------------------------------------------------------

  clearOutbound(): Promise<void> {
    return clearOutboundOf(this);
  }

  get isEnding(): boolean {
    return !delivers(this) || this.readEnded;
  }

  takeReceived(): Buffer {
    return takeReceivedOf(this);
  }

  /** Reads below the pause: the layer of TLS gets it. */
  readHandshake(): void {
    this.transport.resumeReading(this.slot);
  }

  upgraded(): void {
    endUpgrade(this);
  }
}
