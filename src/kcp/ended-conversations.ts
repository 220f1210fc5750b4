import { ahead, command, emptyHeader, headerBytes, readSegment, writeSegment } from './segment.ts';

/** So long its peer may send again what it had no acknowledgement for. */
const rememberedMs = 60_000;
/** Above it the oldest are forgotten: forged addresses must not fill the memory. */
const rememberedMax = 65_536;
/** Not 0: who could send nothing more would not notice that nobody takes it. */
const windowTold = 32;

interface Ended {
  /** The first number of the peer that had not come by the end. */
  readonly receivedUpTo: number;
  readonly forgottenAt: number;
}

/**
 * Conversations that are over. Their peers may not know: what they send again because an acknowledgement
 * was lost must not begin a conversation, or the program would have the same message twice.
 */
export class EndedConversations {
  /** The oldest first, since each is put behind all others. */
  readonly #all = new Map<string, Ended>();
  readonly #header = emptyHeader();

  /** @param key of the peer, our address and the conversation. */
  add(key: string, receivedUpTo: number, now: number): void {
    this.#all.delete(key);
    this.#all.set(key, { receivedUpTo, forgottenAt: now + rememberedMs });
    for (const [oldest, { forgottenAt }] of this.#all) {
      if (forgottenAt > now && this.#all.size <= rememberedMax) return;
      this.#all.delete(oldest);
    }
  }

  /**
   * What to answer to a datagram of the conversation: acknowledgements of what had come before the end,
   * and of nothing else, so that its peer notices the end. Null for one that is not remembered.
   */
  answer(key: string, datagram: Buffer, now: number): Buffer | null {
    const ended = this.#all.get(key);
    if (ended === undefined) return null;
    const { receivedUpTo, forgottenAt } = ended;
    if (forgottenAt <= now) {
      this.#all.delete(key);
      return null;
    }
    return this.#acknowledgements(datagram, receivedUpTo);
  }

  #acknowledgements(datagram: Buffer, receivedUpTo: number): Buffer {
    const header = this.#header;
    const conv = datagram.readUInt32LE(0);
    const answer = Buffer.alloc(datagram.length);
    let length = 0;
    let offset = 0;
    while (readSegment(datagram, offset, header) && header.conv === conv) {
      offset += headerBytes + header.length;
      if (header.cmd !== command.push || ahead(header.sn, receivedUpTo) >= 0) continue;
      header.cmd = command.ack;
      header.frg = header.length = 0;
      header.wnd = windowTold;
      header.una = receivedUpTo;
      length = writeSegment(answer, length, header);
    }
    return answer.subarray(0, length);
  }
}
