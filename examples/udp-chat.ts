/**
 * A chat over UDP: what one peer says all others hear, until it has been silent for a while. Each peer
 * has one session for all its datagrams, though UDP knows no connections.
 *
 *   npm run example examples/udp-chat.ts -- --host 127.0.0.1 --port 9000 --idle 1m
 *
 * Then, in two other terminals:
 *
 *   nc -u 127.0.0.1 9000
 */
import { Action, type Conn, EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags } from './lib/flags.ts';

const wordsMax = 512;

interface Guest {
  readonly name: string;
  spoke: boolean;
}

class Chat extends EventServer<Buffer, Guest> {
  readonly #guests = new Set<Conn<Guest>>();
  readonly #idleMs: number;
  #count = 0;

  constructor(idleMs: number) {
    super();
    this.#idleMs = idleMs;
  }

  override onOpened(c: Conn<Guest>): void {
    c.context = { name: `guest ${++this.#count}`, spoke: true };
    this.#guests.add(c);
    this.#tell(c, 'has come');
  }

  override react(datagram: Buffer | null, c: Conn<Guest>) {
    const words = String(datagram).trim().slice(0, wordsMax);
    c.context.spoke = true;
    if (words === 'bye') return Action.Close;
    this.#tell(c, `says ${words}`);
    return Action.None;
  }

  override onClosed(c: Conn<Guest>): void {
    this.#guests.delete(c);
    this.#tell(c, 'has gone');
  }

  /** What is sent to a peer keeps its session: whoever only listens is found here. */
  override tick() {
    for (const guest of this.#guests) {
      if (!guest.context.spoke) guest.close();
      guest.context.spoke = false;
    }
    return this.#idleMs;
  }

  /** Whoever spoke hears nothing of it: an answer to each word would help who forges senders. */
  #tell(from: Conn<Guest>, what: string): void {
    for (const guest of this.#guests) {
      if (guest !== from) guest.sendTo(`${from.context.name} ${what}\n`);
    }
  }
}

const flags = readFlags({ port: 9000, idle: '1m' });
const idleMs = Math.max(1, flags.idleMs);
const server = await serve(new Chat(idleMs), `udp://${flags.host}:${flags.port}`, {
  // Every forged sender is a session: they are few, and end soon.
  udpSessions: { idleTimeout: idleMs, max: 100 },
  ticker: true,
}).catch(endWithReason);
announce(server, 'udp');
