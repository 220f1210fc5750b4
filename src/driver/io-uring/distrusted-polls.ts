import type { Operations } from './operations.ts';
import type { Stream } from './stream.ts';
import { roomPoll } from './stream-states.ts';

/** Milliseconds until a poll is asked for again. */
const restMs = 10;

/**
 * Polls that told of room where a send found none: short of memory, the system says EAGAIN though the
 * socket has room (tcp_sendmsg). A poll tells of changes only, and none need follow: so it is made
 * anew after a rest.
 */
export class DistrustedPolls {
  readonly #operations: Operations;
  #streams: Stream[] = [];

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  add(stream: Stream): void {
    this.#streams.push(stream);
    if (this.#streams.length > 1) return;
    setTimeout(() => this.#makeAnew(), restMs);
  }

  #makeAnew(): void {
    const streams = this.#streams;
    this.#streams = [];
    for (const stream of streams) {
      // Its end has the stream send again, which polls anew when there is no room.
      if ((stream.states & roomPoll.inFlight) !== 0) this.#operations.cancelRoomPoll(stream);
    }
  }
}
