/** How many have subscribed to a topic on all loops of all processes. */
import { setInterval, setTimeout } from 'node:timers';
import { callProgram } from './program-calls.ts';

export interface PresenceOptions {
  /** Between two signs of life of a loop, in ms; one that gives none three times is gone. Default 1,000. */
  readonly interval?: number;
  /** Is called when the count of a topic has changed, on each loop that has presence. */
  readonly changed?: (topic: string, count: number) => void;
}

type Count = readonly [topic: string, count: number];

/** What loops tell one another. */
interface Announcement {
  readonly member: string;
  /** Counts what the member has told; it stays the same in a sign of life. */
  readonly version: number;
  /** What has changed; with `isAll` everything, in place of what was told before. */
  readonly counts?: readonly Count[];
  readonly isAll?: boolean;
  /** The next one goes on with it. */
  readonly more?: boolean;
  /** Asks a member to tell everything, or `*` for all members. */
  readonly ask?: string;
  readonly isLast?: boolean;
}

interface Member {
  version: number;
  /** Signs of our own since it was heard: not a time, which also passes while this thread is blocked. */
  missed: number;
  readonly counts: Map<string, number>;
  /** Known topics that an announcement of everything has not named yet. */
  unnamed: Set<string> | null;
}

/** Changes of this time, in ms, are told together. */
const gatheringMs = 20;
/** In one message, since brokers bound their size: NATS to 1 MiB, unless it is told otherwise. */
const topicsMax = 2_000;
const bytesMax = 512 * 1024;
const signsMissed = 3;

/** Of one loop. */
export class Presence {
  readonly #self = crypto.randomUUID();
  readonly #announce: (text: string) => void;
  readonly #countHere: (topic: string) => number;
  readonly #topicsHere: () => Iterable<string>;
  readonly #tellProgram: (topic: string, count: number) => unknown;
  readonly #onError: (error: unknown) => void;
  readonly #ticking: NodeJS.Timeout;
  readonly #members = new Map<string, Member>();
  /** By topic: the sum of all others. */
  readonly #elsewhere = new Map<string, number>();
  readonly #toTell = new Set<string>();
  #tellsAll = true;
  #gathering: NodeJS.Timeout | null = null;
  #version = 0;

  constructor(
    options: PresenceOptions,
    announce: (text: string) => void,
    countHere: (topic: string) => number,
    topicsHere: () => Iterable<string>,
    onError: (error: unknown) => void,
  ) {
    this.#announce = announce;
    this.#countHere = countHere;
    this.#topicsHere = topicsHere;
    this.#tellProgram = options.changed ?? (() => {});
    this.#onError = onError;
    this.#ticking = setInterval(() => this.#tick(), options.interval ?? 1_000).unref();
    this.#send({ ask: '*' });
    this.#gather();
  }

  count(topic: string): number {
    return this.#countHere(topic) + (this.#elsewhere.get(topic) ?? 0);
  }

  /** The count of this loop has changed. */
  changedHere(topic: string): void {
    this.#toTell.add(topic);
    this.#gather();
    this.#changed(topic);
  }

  /** Also from a timer: what the program throws ends nothing. */
  #changed(topic: string): void {
    callProgram(() => this.#tellProgram(topic, this.count(topic)), this.#onError);
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#tell(), gatheringMs).unref();
  }

  #tell(): void {
    this.#gathering = null;
    const isAll = this.#tellsAll;
    const topics = [...(isAll ? this.#topicsHere() : this.#toTell)];
    this.#tellsAll = false;
    this.#toTell.clear();
    const counts = topics.map((topic) => [topic, this.#countHere(topic)] as const);
    for (const [index, part] of partsOf(counts).entries()) {
      this.#version++;
      const { some, more } = part;
      this.#send({ counts: some, isAll: isAll && index === 0, more });
    }
  }

  #send(what: Omit<Announcement, 'member' | 'version'>): void {
    const announcement: Announcement = { member: this.#self, version: this.#version, ...what };
    this.#announce(JSON.stringify(announcement));
  }

  #tick(): void {
    for (const [name, member] of this.#members) {
      if (++member.missed > signsMissed) this.#forget(name);
    }
    this.#send({});
  }

  /** What another loop has announced. */
  take(text: string): void {
    const announcement = JSON.parse(text) as Announcement;
    const { member: name, version, ask, isLast } = announcement;
    if (name === this.#self) return;
    if (isLast === true) return this.#forget(name);
    if (ask === '*' || ask === this.#self) {
      this.#tellsAll = true;
      this.#gather();
    }
    const member =
      announcement.isAll === true ? this.#beginAll(name, version) : this.#members.get(name);
    const follows =
      member !== undefined && version === member.version + (announcement.counts ? 1 : 0);
    if (follows) return this.#follow(member, announcement);
    // Something was lost, or this loop has just begun. Those that ask have told nothing yet.
    if (ask === undefined) this.#send({ ask: name });
  }

  /** Everything follows: what is known stays until that is through, so that only changes are told. */
  #beginAll(name: string, version: number): Member {
    const member: Member = this.#members.get(name) ?? {
      version,
      missed: 0,
      counts: new Map(),
      unnamed: null,
    };
    member.version = version - 1;
    member.unnamed = new Set(member.counts.keys());
    this.#members.set(name, member);
    return member;
  }

  #follow(member: Member, { version, counts, more }: Announcement): void {
    member.version = version;
    member.missed = 0;
    if (counts === undefined) return;
    for (const [topic, count] of counts) {
      member.unnamed?.delete(topic);
      this.#set(member, topic, count);
    }
    if (more === true) return;
    const gone = member.unnamed ?? [];
    member.unnamed = null;
    for (const topic of gone) this.#set(member, topic, 0);
  }

  #set(member: Member, topic: string, count: number): void {
    const change = count - (member.counts.get(topic) ?? 0);
    if (count === 0) member.counts.delete(topic);
    else member.counts.set(topic, count);
    if (change === 0) return;
    const sum = (this.#elsewhere.get(topic) ?? 0) + change;
    if (sum === 0) this.#elsewhere.delete(topic);
    else this.#elsewhere.set(topic, sum);
    this.#changed(topic);
  }

  #forget(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    for (const topic of [...member.counts.keys()]) this.#set(member, topic, 0);
  }

  close(): void {
    clearInterval(this.#ticking);
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#send({ isLast: true });
  }
}

/** One at least, which may be empty; none is larger than a broker takes. */
function partsOf(counts: readonly Count[]): { readonly some: Count[]; more: boolean }[] {
  let part: { readonly some: Count[]; more: boolean } = { some: [], more: false };
  const parts = [part];
  let bytes = 0;
  for (const count of counts) {
    const size = Buffer.byteLength(JSON.stringify(count)) + 1;
    if (part.some.length === topicsMax || (bytes > 0 && bytes + size > bytesMax)) {
      part.more = true;
      part = { some: [], more: false };
      parts.push(part);
      bytes = 0;
    }
    bytes += size;
    part.some.push(count);
  }
  return parts;
}
