/**
 * Chat with rooms: one line is one message. `/join ROOM` enters a room, `/leave` goes back to the lobby.
 * Who says nothing for a minute is asked to, and let go after another one. server.ts serves it;
 * chat-rooms.test.ts tests it without a socket.
 */
import { type Conn, EventServer, type Reply } from 'gnet';
import { LineBasedFrameCodec } from 'gnet/codec';

const patienceMs = 60_000;

interface Guest {
  room: string;
  /** Takes back the question whether anybody is there. */
  forgetSilence: () => void;
}

export const lines = new LineBasedFrameCodec({ maxFrameLength: 1_000 });

export class ChatRooms extends EventServer<Buffer, Guest> {
  readonly #rooms = new Map<string, Set<Conn<Guest>>>();

  override onOpened(c: Conn<Guest>): void {
    c.context = { room: 'lobby', forgetSilence: () => {} };
    this.#enter(c, 'lobby');
    this.#listenTo(c);
  }

  override onClosed(c: Conn<Guest>): void {
    this.#leave(c);
  }

  override react(frame: Buffer | null, c: Conn<Guest>): Reply {
    const line = String(frame).trimEnd();
    this.#listenTo(c);
    const [command, room = ''] = line.split(' ');
    if (command === '/join' || command === '/leave') {
      this.#leave(c);
      this.#enter(c, command === '/join' ? room : 'lobby');
      return `* you are in ${c.context.room}`;
    }
    for (const other of this.#rooms.get(c.context.room) ?? []) {
      if (other !== c) other.asyncWrite(`${c.remoteAddr}: ${line}`);
    }
    return undefined;
  }

  #enter(c: Conn<Guest>, room: string): void {
    c.context.room = room;
    const guests = this.#rooms.get(room) ?? new Set();
    this.#rooms.set(room, guests.add(c));
  }

  #leave(c: Conn<Guest>): void {
    const guests = this.#rooms.get(c.context.room);
    guests?.delete(c);
    if (guests?.size === 0) this.#rooms.delete(c.context.room);
  }

  #listenTo(c: Conn<Guest>): void {
    c.context.forgetSilence();
    c.context.forgetSilence = c.setTimer(patienceMs, () => {
      c.asyncWrite('* is anybody there?');
      c.context.forgetSilence = c.setTimer(patienceMs, () => c.close());
    });
  }
}
