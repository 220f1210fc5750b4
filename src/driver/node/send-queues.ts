import { readFileSync } from 'node:fs';
import { inetAddress } from '../../base/inet-address.ts';

/** A list is as good as new for so long. */
const freshMs = 4;
/** Where lists are long, for as many times what it takes to read one; but limits must see progress. */
const shareOfTime = 32;
const freshMsMax = 100;
/** Columns of the state between the addresses and the send queue, and of that: `01 00000000:`. */
const stateColumns = 3;
const queueDigits = 8;

/** One end of a TCP connection as the runtime tells it. */
export interface TcpEnd {
  readonly host: string | undefined;
  readonly port: number | undefined;
}

interface List {
  readonly text: string;
  readonly goodUntil: number;
}

/**
 * What waits in the kernel's send queues of this system's TCP connections, from the lists that some
 * systems have under `/proc`: the runtime itself does not tell. Where there is no such list, or it
 * must not be read, nothing is known.
 */
export class SendQueues {
  readonly #lists = new Map<4 | 6, List | null>();

  /** Bytes not acknowledged by the peer's system, an end that was sent counted as one; -1 unknown. */
  bytesOf(local: TcpEnd, remote: TcpEnd): number {
    const from = columnOf(local);
    const to = columnOf(remote);
    if (from === null || to === null) return -1;
    const family = from.length > 13 ? 6 : 4;
    const entry = ` ${from} ${to} `;
    const found = this.#find(family, entry, false);
    // The list is read in pieces while connections come and go: one may be missed, not twice.
    return found === -1 ? this.#find(family, entry, true) : found;
  }

  #find(family: 4 | 6, entry: string, again: boolean): number {
    const text = this.#list(family, again);
    const at = text === null ? -1 : text.indexOf(entry);
    if (text === null || at === -1) return -1;
    const start = at + entry.length + stateColumns;
    return Number.parseInt(text.slice(start, start + queueDigits), 16);
  }

  #list(family: 4 | 6, again: boolean): string | null {
    const known = this.#lists.get(family);
    if (known === null) return null;
    const now = performance.now();
    if (known !== undefined && !again && now < known.goodUntil) return known.text;
    const text = readList(family === 6 ? 'tcp6' : 'tcp');
    const readAt = performance.now();
    const goodUntil =
      readAt + Math.min(freshMsMax, Math.max(freshMs, (readAt - now) * shareOfTime));
    this.#lists.set(family, text === null ? null : { text, goodUntil });
    return text;
  }
}

function readList(name: string): string | null {
  try {
    return readFileSync(`/proc/self/net/${name}`, 'latin1');
  } catch {
    return null; // another system, or a process that must not read files
  }
}

/** `0100007F:1F90`: words as the machine holds them, the port as people read it. */
function columnOf({ host, port }: TcpEnd): string | null {
  if (host === undefined || port === undefined) return null;
  const [literal = ''] = host.split('%', 1);
  const family = literal.includes(':') ? 6 : 4;
  const { word0, word1, word2, word3 } = inetAddress(family, literal, port);
  const words = family === 6 ? [word0, word1, word2, word3] : [word0];
  return `${words.map((word) => hex(word >>> 0, 8)).join('')}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** Of this thread: many connections ask at the same time. */
export const sendQueues: SendQueues = new SendQueues();
