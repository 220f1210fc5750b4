import { ErrInvalidReply } from '../index.ts';
import { Congestion } from './congestion.ts';
import type { KcpSettings } from './options.ts';
import { Receiving } from './receiving.ts';
import { RoundTrip } from './round-trip.ts';
import {
  ahead,
  command,
  emptyHeader,
  headerBytes,
  readSegment,
  type SegmentHeader,
  writeSegment,
} from './segment.ts';
import { Sequence } from './sequence.ts';

/** What a peer takes before it has said anything. */
const remoteWindowFirst = 32;
/** A segment that was sent so often has no peer. */
const deadAfter = 20;
/** The longest wait before a segment is sent again, unless an answer itself takes longer. */
const resendMaxMs = 5_000;
/** To a peer that may be forged: so many datagrams for each of its own, so many segments under way. */
const unprovenDatagramsMax = 6;
const unprovenWindow = 4;
/** When those are used up: one datagram after so long, each further one after twice as long. */
const trickleFirstMs = 1_000;
const trickleMaxMs = 8_000;
const probeFirstMs = 7_000;
const probeMaxMs = 120_000;
const fragmentsMax = 256;
/** What a segment that waits costs besides its bytes: its header, and the objects that hold it. */
const segmentCostBytes = 320;
const nothing = Buffer.alloc(0);

interface Outgoing {
  data: Buffer;
  readonly frg: number;
  sn: number;
  /** As it was sent last. */
  ts: number;
  /** As it was ever sent to a peer that may be forged. */
  everyTs: number[] | null;
  rto: number;
  resendAt: number;
  /** How often it was sent, and how many that were sent later have arrived. */
  sent: number;
  overtaken: number;
  /** It stays in its place until those before it are, too. */
  acknowledged: boolean;
}

/**
 * KCP, one side of a conversation: reliable, ordered messages over datagrams that may be lost, doubled or
 * reordered. No I/O and no clock: datagrams go in by `input` and out by `flush`, both told the time in
 * milliseconds.
 */
export class KcpProtocol {
  readonly conv: number;
  /** The peer does not answer any more. */
  isDead = false;
  /** It has acknowledged something as only who receives it can: nobody has forged its address. */
  isProven = false;
  /** What the times that are sent are ahead of the clock. */
  readonly #tsOffset: number;
  /** Datagrams that may still go out before the peer is proven. */
  #credit = Infinity;
  #trickleAt = 0;
  #trickleMs = trickleFirstMs;
  readonly #settings: KcpSettings;
  readonly #output: (datagram: Buffer) => void;
  readonly #segmentBytes: number;
  readonly #receiving: Receiving;
  readonly #roundTrip: RoundTrip;
  readonly #congestion: Congestion;
  /** Not sent yet. */
  readonly #queue = new Sequence<Outgoing>();
  /** Sent, from the first on that is not acknowledged: the numbers of two neighbours differ by one. */
  readonly #flying = new Sequence<Outgoing>();
  #pendingBytes = 0;
  #nextNumber = 0;
  #unacknowledged = 0;
  #remoteWindow = remoteWindowFirst;
  /** Numbers and times to acknowledge, in turn. */
  #acks: number[] = [];
  #asksWindow = false;
  #tellsWindow = false;
  #probeAt = 0;
  #probeMs = 0;
  readonly #header = emptyHeader();
  readonly #datagram: Buffer;
  /** Bytes in it; 0 between two calls, when others use it. */
  #length = 0;

  /**
   * @param tsOffset a random number of 32 bits: all conversations have the same clock, and who knows it
   * from one could otherwise acknowledge what is sent in another.
   * @param datagram of `mtu` bytes, to put one together in: it may be that of others, too.
   */
  constructor(
    conv: number,
    settings: KcpSettings,
    tsOffset: number,
    datagram: Buffer,
    output: (datagram: Buffer) => void,
  ) {
    this.conv = conv;
    this.#tsOffset = tsOffset;
    this.#settings = settings;
    this.#output = output;
    this.#segmentBytes = settings.mtu - headerBytes;
    this.#receiving = new Receiving(settings.receiveWindow);
    this.#roundTrip = new RoundTrip(settings.nodelay ? 30 : 100, settings.interval);
    this.#congestion = new Congestion(this.#segmentBytes);
    this.#datagram = datagram;
  }

  /** The peer has everything: also messages without bytes. */
  get isAcknowledged(): boolean {
    return this.#queue.length === 0 && this.#flying.length === 0;
  }

  /** The address of the peer may be forged: little goes there until it has acknowledged something. */
  doubtPeer(): void {
    this.#credit = 0;
  }

  get #isDoubted(): boolean {
    return this.#credit !== Infinity;
  }

  /** The first number of the peer that has not come. */
  get receivedUpTo(): number {
    return this.#receiving.next;
  }

  /** The number that the next segment of the queue will have. */
  get queuedUpTo(): number {
    return (this.#nextNumber + this.#queue.length) >>> 0;
  }

  /** The peer has everything before this number. */
  isAcknowledgedUpTo(number: number): boolean {
    return ahead(this.#unacknowledged, number) >= 0;
  }

  /** Bytes that the peer has not acknowledged. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** What they cost in memory, about: also a message without bytes costs something. */
  get heldBytes(): number {
    return this.#pendingBytes + (this.#queue.length + this.#flying.length) * segmentCostBytes;
  }

  /** Something is to be sent, or sent again, or asked, sooner or later. */
  get isBusy(): boolean {
    return !this.isAcknowledged || this.#acks.length > 0 || this.#asksWindow || this.#tellsWindow;
  }

  /** @throws ErrInvalidReply for a message of more fragments than there can be. */
  send(data: Uint8Array): void {
    let rest = Buffer.from(data);
    const { stream } = this.#settings;
    this.#pendingBytes += rest.length;
    const last = this.#queue.at(this.#queue.length - 1);
    if (stream && last !== undefined && last.data.length < this.#segmentBytes) {
      const room = this.#segmentBytes - last.data.length;
      last.data = Buffer.concat([last.data, rest.subarray(0, room)]);
      rest = rest.subarray(room);
      if (rest.length === 0) return;
    }
    if (rest.length === 0 && stream) return;
    const count = Math.max(1, Math.ceil(rest.length / this.#segmentBytes));
    if (!stream && count >= fragmentsMax) {
      this.#pendingBytes -= data.length;
      throw new ErrInvalidReply(
        `cannot send a message of ${data.length} bytes: at most ${fragmentsMax - 1} fragments of ` +
          `${this.#segmentBytes} fit; send it in parts, or use stream: true`,
      );
    }
    for (let index = 0; index < count; index++) {
      const start = index * this.#segmentBytes;
      this.#queue.push({
        data: rest.subarray(start, start + this.#segmentBytes),
        frg: stream ? 0 : count - index - 1,
        sn: 0,
        ts: 0,
        everyTs: null,
        rto: 0,
        resendAt: 0,
        sent: 0,
        overtaken: 0,
        acknowledged: false,
      });
    }
  }

  /** The next whole message, or null. @throws ErrFrameTooLong for one that can never become whole. */
  receive(): Buffer | null {
    const wasFull = this.#receiving.free === 0;
    const message = this.#receiving.take();
    if (wasFull && this.#receiving.free > 0) this.#tellsWindow = true;
    return message;
  }

  /**
   * A datagram of the peer. What is not of this conversation, or malformed, is ignored; false when that
   * is all of it.
   */
  input(datagram: Buffer, now: number): boolean {
    const header = this.#header;
    const before = this.#unacknowledged;
    let newest = -1;
    let newestTs = 0;
    let offset = 0;
    while (readSegment(datagram, offset, header) && header.conv === this.conv) {
      offset += headerBytes;
      this.#remoteWindow = header.wnd;
      if (header.cmd === command.ack) this.#prove(header);
      // A real peer acknowledges again what is sent again: nothing is lost by not believing it yet.
      const isBelieved = !this.#isDoubted;
      if (isBelieved) this.#acknowledgeUpTo(header.una);
      if (header.cmd === command.push) {
        this.#came(header, datagram.subarray(offset, offset + header.length));
      } else if (header.cmd === command.askWindow) this.#tellsWindow = true;
      else if (header.cmd === command.ack && isBelieved) {
        const rtt = ahead(now + this.#tsOffset, header.ts);
        if (rtt >= 0) this.#roundTrip.measured(rtt);
        this.#acknowledge(header.sn);
        if (newest === -1 || ahead(header.sn, newest) > 0) {
          newest = header.sn;
          newestTs = header.ts;
        }
      }
      offset += header.length;
    }
    if (offset > 0) this.#credit += unprovenDatagramsMax;
    if (newest !== -1) this.#overtake(newest, newestTs);
    if (ahead(this.#unacknowledged, before) > 0) this.#congestion.acknowledged(this.#remoteWindow);
    return offset > 0;
  }

  /** Acknowledgements repeat the time of what they are for: to know that, one has to receive it. */
  #prove({ sn, ts }: SegmentHeader): void {
    if (this.isProven || !this.#flying.at(this.#placeOf(sn))?.everyTs?.includes(ts)) return;
    this.isProven = true;
    this.#credit = Infinity;
  }

  #came({ sn, frg, ts }: SegmentHeader, data: Buffer): void {
    if (!this.#receiving.fits(sn)) return;
    this.#acks.push(sn, ts);
    this.#receiving.came(sn, frg, data);
  }

  #acknowledgeUpTo(una: number): void {
    let first = this.#flying.at(0);
    while (first !== undefined && ahead(una, first.sn) > 0) {
      this.#settle(first);
      this.#flying.shift();
      first = this.#flying.at(0);
    }
    this.#findUnacknowledged();
  }

  #acknowledge(sn: number): void {
    const segment = this.#flying.at(this.#placeOf(sn));
    if (segment === undefined) return;
    this.#settle(segment);
    this.#findUnacknowledged();
  }

  #settle(segment: Outgoing): void {
    if (segment.acknowledged) return;
    segment.acknowledged = true;
    this.#pendingBytes -= segment.data.length;
    segment.data = nothing;
  }

  /** Among those that fly; below 0 for one from before. */
  #placeOf(sn: number): number {
    const first = this.#flying.at(0);
    return first === undefined ? -1 : ahead(sn, first.sn);
  }

  #findUnacknowledged(): void {
    while (this.#flying.at(0)?.acknowledged) this.#flying.shift();
    this.#unacknowledged = this.#flying.at(0)?.sn ?? this.#nextNumber;
  }

  /** Later ones have arrived: what was sent before them may be lost. */
  #overtake(sn: number, ts: number): void {
    const end = Math.min(this.#placeOf(sn), this.#flying.length);
    for (let place = 0; place < end; place++) {
      const segment = this.#flying.at(place) as Outgoing;
      if (ahead(segment.ts, ts) <= 0) segment.overtaken++;
    }
  }

  /**
   * Sends what is due: acknowledgements, questions, new segments, and old ones again.
   * @param isLast nobody sends again: the congestion window has nothing to learn from it.
   */
  flush(now: number, isLast = false): void {
    this.#flushAcks();
    this.#probe(now);
    if (this.#asksWindow) this.#put(command.askWindow, 0, 0, 0, null);
    if (this.#tellsWindow) this.#put(command.tellWindow, 0, 0, 0, null);
    this.#asksWindow = this.#tellsWindow = false;
    const { sendWindow, nc } = this.#settings;
    const ours = this.#isDoubted ? Math.min(sendWindow, unprovenWindow) : sendWindow;
    const allowed = Math.min(ours, this.#remoteWindow);
    const window = nc || isLast ? allowed : Math.min(allowed, this.#congestion.window);
    const end = (this.#unacknowledged + window) >>> 0;
    while (this.#queue.length > 0 && ahead(this.#nextNumber, end) < 0) {
      const segment = this.#queue.shift() as Outgoing;
      segment.sn = this.#nextNumber;
      this.#nextNumber = (this.#nextNumber + 1) >>> 0;
      this.#flying.push(segment);
    }
    this.#findUnacknowledged();
    if (this.#credit > 0) {
      this.#trickleMs = trickleFirstMs;
      this.#trickleAt = now + trickleFirstMs;
      this.#sendDue(now, window);
    } else if (ahead(now, this.#trickleAt) >= 0) this.#trickle(now, window);
    this.#leave();
  }

  /**
   * The peer may be real, and what it got so far lost: it has nothing to send that would allow more. One
   * datagram that arrives is enough, since its acknowledgement proves the peer.
   */
  #trickle(now: number, window: number): void {
    const oldest = this.#flying.at(0);
    if (oldest === undefined) return;
    this.#leave(); // nothing else uses up the datagram
    this.#trickleMs = Math.min(this.#trickleMs * 2, trickleMaxMs);
    this.#trickleAt = now + this.#trickleMs;
    this.#credit = 1;
    oldest.resendAt = now;
    this.#sendDue(now, window);
  }

  /** Sends only the acknowledgements: nothing else follows. */
  acknowledgeAll(): void {
    this.#flushAcks();
    this.#leave();
  }

  #flushAcks(): void {
    for (let index = 0; index < this.#acks.length; index += 2) {
      this.#put(command.ack, 0, this.#acks[index] as number, this.#acks[index + 1] as number, null);
    }
    this.#acks.length = 0;
  }

  /** A peer that takes nothing is asked now and then: that it takes something again may be lost. */
  #probe(now: number): void {
    if (this.#remoteWindow > 0) {
      this.#probeMs = 0;
      return;
    }
    if (this.#probeMs === 0) {
      this.#probeMs = probeFirstMs;
      this.#probeAt = now + probeFirstMs;
    } else if (ahead(now, this.#probeAt) >= 0) {
      this.#probeMs = Math.min(probeMaxMs, this.#probeMs * 1.5);
      this.#probeAt = now + this.#probeMs;
      this.#asksWindow = true;
    }
  }

  #sendDue(now: number, window: number): void {
    const { resend, nc } = this.#settings;
    const overtakenMin = resend > 0 ? resend : Infinity;
    let lost = false;
    let overtaken = false;
    for (let place = 0; place < this.#flying.length; place++) {
      const segment = this.#flying.at(place) as Outgoing;
      if (segment.acknowledged) continue;
      if (segment.sent === 0) this.#first(segment, now);
      else if (ahead(now, segment.resendAt) >= 0) {
        this.#again(segment, now);
        lost = true;
      } else if (segment.overtaken >= overtakenMin) {
        segment.resendAt = now + segment.rto;
        overtaken = true;
      } else continue;
      segment.sent++;
      segment.overtaken = 0;
      segment.ts = (now + this.#tsOffset) >>> 0;
      if (this.#isDoubted) {
        segment.everyTs ??= [];
        segment.everyTs.push(segment.ts);
      }
      this.#put(command.push, segment.frg, segment.sn, segment.ts, segment.data);
      if (segment.sent >= deadAfter) this.isDead = true;
    }
    if (nc) return;
    const inFlight = ahead(this.#nextNumber, this.#unacknowledged);
    if (overtaken) this.#congestion.overtaken(inFlight, resend);
    if (lost) this.#congestion.timedOut(window);
  }

  #first(segment: Outgoing, now: number): void {
    const { rto } = this.#roundTrip;
    segment.rto = rto;
    segment.resendAt = now + rto + (this.#settings.nodelay ? 0 : rto >> 3);
  }

  #again(segment: Outgoing, now: number): void {
    const { rto } = this.#roundTrip;
    const longer = this.#settings.nodelay ? segment.rto >> 1 : Math.max(segment.rto, rto);
    segment.rto = Math.min(segment.rto + longer, Math.max(rto, resendMaxMs));
    segment.resendAt = now + segment.rto;
  }

  #put(cmd: number, frg: number, sn: number, ts: number, data: Buffer | null): void {
    const length = data?.length ?? 0;
    if (this.#length + headerBytes + length > this.#datagram.length) this.#leave();
    const header = this.#header;
    header.conv = this.conv;
    header.cmd = cmd;
    header.frg = frg;
    header.wnd = Math.min(65_535, this.#receiving.free);
    header.ts = ts;
    header.sn = sn;
    header.una = this.#receiving.next;
    header.length = length;
    this.#length = writeSegment(this.#datagram, this.#length, header);
    if (data === null) return;
    data.copy(this.#datagram, this.#length);
    this.#length += length;
  }

  #leave(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    // As if it was lost on the way.
    if (this.#credit <= 0) return;
    this.#credit--;
    this.#output(this.#datagram.subarray(0, length));
  }
}
