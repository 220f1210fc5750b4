/**
 * The server of a game over UDP: players send what they want, the server computes the world at a fixed
 * rate and sends it to all of them. What is lost is not sent again: the next tick has newer news.
 *
 *   npm run example examples/game/server.ts -- --host 127.0.0.1 --port 9000 --tick 50ms
 *   npm run example examples/game/player.ts -- --upstream 127.0.0.1:9000
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Action, type Conn, EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags } from '../lib/flags.ts';
import { joinBytes, kind, readInput, tokenBytes, writeState, writeWelcome } from './messages.ts';
import { World } from './world.ts';

/** The state of so many fits into one datagram that every network carries. */
const playersMax = 80;
/** Who says nothing for so many ticks is gone. */
const silentTicks = 100;

interface Guest {
  /** Who sends it back has heard it: the address is no forged one. */
  readonly token: Buffer;
  player: number | null;
  heardAt: number;
}

class Game extends EventServer<Buffer, Guest> {
  readonly #world = new World();
  readonly #players = new Set<Conn<Guest>>();
  readonly #tickMs: number;
  #ticks = 0;
  #startedAt = 0;

  constructor(tickMs: number) {
    super();
    this.#tickMs = tickMs;
  }

  /** The first datagram of a peer. */
  override onOpened(c: Conn<Guest>): void {
    c.context = { token: randomBytes(tokenBytes), player: null, heardAt: this.#ticks };
  }

  override react(datagram: Buffer | null, c: Conn<Guest>) {
    if (datagram === null) return;
    const { token } = c.context;
    if (datagram[0] === kind.join) {
      return datagram.length >= joinBytes ? writeWelcome(token) : undefined;
    }
    const given = datagram.subarray(1, 1 + tokenBytes);
    if (given.length !== tokenBytes || !timingSafeEqual(given, token)) return;
    if (datagram[0] === kind.leave) return Action.Close;
    if (datagram[0] === kind.input) this.#steer(datagram, c);
    return;
  }

  #steer(datagram: Buffer, c: Conn<Guest>): void {
    const input = readInput(datagram);
    if (input === null) return;
    c.context.heardAt = this.#ticks;
    if (c.context.player === null && this.#players.size < playersMax) {
      c.context.player = this.#world.join();
      this.#players.add(c);
    }
    if (c.context.player !== null) this.#world.steer(c.context.player, input);
  }

  override onClosed(c: Conn<Guest>): void {
    this.#players.delete(c);
    if (c.context.player !== null) this.#world.leave(c.context.player);
  }

  override tick(): number {
    const now = performance.now();
    if (this.#ticks++ === 0) this.#startedAt = now;
    // What is sent keeps a session: who only listens is found here.
    for (const c of this.#players) {
      if (this.#ticks - c.context.heardAt > silentTicks) c.close();
    }
    // Written once for all.
    const state = writeState(this.#world.advance());
    for (const c of this.#players) c.sendTo(state);
    // By the clock, not by the last call: a late tick makes no later one late.
    const next = this.#startedAt + this.#ticks * this.#tickMs;
    return Math.max(1, next - performance.now());
  }
}

const flags = readFlags({ port: 9000, host: '127.0.0.1', tick: '50ms' });
const tickMs = Math.max(1, flags.tickMs);
const server = await serve(new Game(tickMs), `udp://${flags.host}:${flags.port}`, {
  // Every forged sender is a session: there are bounds, and it ends soon.
  udpSessions: { idleTimeout: silentTicks * tickMs, max: 10 * playersMax },
  ticker: true,
}).catch(endWithReason);
announce(server, 'udp');
