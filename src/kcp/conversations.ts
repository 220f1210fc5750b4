import type { Conn } from '../index.ts';
import { clockOf } from './clock.ts';
import { KcpConn, type KcpHandler, type KcpOwner } from './connection.ts';
import { EndedConversations } from './ended-conversations.ts';
import type { KcpSettings } from './options.ts';
import { command, emptyHeader, headerBytes, readSegment } from './segment.ts';

/** More at once of one peer are none of its doing: datagrams with its address are forged. */
const ofPeerMax = 4;

/** Those of one peer, the oldest first: usually one. */
type OfPeer = KcpConn[];
type Under = Conn<OfPeer | undefined>;

/**
 * The conversations of a server. A datagram finds its own by peer and number, or begins one. Anybody can
 * send such a datagram in the name of another, and an old one may be late: so a conversation takes the
 * place of an older one only when its peer has acknowledged something in it.
 */
export class Conversations implements KcpOwner {
  readonly handler: KcpHandler;
  readonly settings: KcpSettings;
  readonly datagram: Buffer;
  readonly isCalled = true;
  readonly shutdown: () => void;
  readonly #max: number;
  readonly #ended = new EndedConversations();
  readonly #header = emptyHeader();
  #count = 0;

  constructor(handler: KcpHandler, settings: KcpSettings, max: number, shutdown: () => void) {
    this.handler = handler;
    this.settings = settings;
    this.datagram = Buffer.alloc(settings.mtu);
    this.shutdown = shutdown;
    this.#max = max;
  }

  /** A datagram of the peer. */
  came(datagram: Buffer, under: Under): void {
    if (datagram.length >= headerBytes) this.#handOut(datagram, under);
    if (under.context === undefined) under.close(); // of nobody that is known
  }

  #handOut(datagram: Buffer, under: Under): void {
    const conv = datagram.readUInt32LE(0);
    const known = find(under.context, conv);
    if (known !== undefined) return known.came(datagram);
    const answer = this.#ended.answer(keyOf(under, conv), datagram, clockOf(under.loop).now);
    if (answer === null) this.#begin(datagram, under);
    else if (answer.length > 0) under.sendTo(answer);
  }

  #begin(datagram: Buffer, under: Under): void {
    const header = this.#header;
    const begins = readSegment(datagram, 0, header) && header.cmd === command.push;
    if (!begins || header.sn !== 0 || this.#count >= this.#max) return;
    const { conv } = header;
    const others = under.context ?? [];
    if (others.length >= ofPeerMax) others.find(({ isProven }) => !isProven)?.replace();
    const made = new KcpConn(this, under, conv);
    this.#count++;
    under.context = [...(under.context ?? []), made];
    made.opened();
    made.came(datagram);
  }

  proven(conn: KcpConn, under: Under): void {
    const all = under.context ?? [];
    for (const older of all.slice(0, all.indexOf(conn))) older.replace();
  }

  over(conn: KcpConn, under: Under): void {
    const { conv, receivedUpTo } = conn;
    this.#count--;
    this.#ended.add(keyOf(under, conv), receivedUpTo, clockOf(under.loop).now);
    const left = (under.context ?? []).filter((other) => other !== conn);
    under.context = left.length === 0 ? undefined : left;
    if (left.length === 0) under.close();
  }

  /** The server stops. @throws what one of them throws. */
  signalClose(under: Under): void | Promise<void> {
    const answers: unknown[] = [];
    const thrown: unknown[] = [];
    for (const conn of under.context ?? []) {
      try {
        answers.push(conn.signalClose());
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw thrown[0];
    if (answers.some((answer) => answer !== undefined)) return Promise.all(answers).then(() => {});
  }

  /** Something that was sent there did not arrive. */
  failed(under: Under, error: Error): void {
    for (const conn of under.context ?? []) conn.failed(error);
  }

  /** Nothing goes out there any more. */
  allOver(under: Under, error: Error | undefined): void {
    for (const conn of under.context ?? []) conn.abort(error);
  }
}

function find(all: OfPeer | undefined, conv: number): KcpConn | undefined {
  if (all === undefined) return undefined;
  for (const conn of all) if (conn.conv === conv) return conn;
  return undefined;
}

function keyOf({ remoteAddr, localAddr }: Under, conv: number): string {
  return `${remoteAddr} ${localAddr} ${conv}`;
}
