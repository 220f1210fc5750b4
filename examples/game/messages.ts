/** What players and server of the game tell each other: small datagrams, each with its kind in front. */

export const kind = { join: 1, welcome: 2, input: 3, leave: 4, state: 5 } as const;

export const tokenBytes = 8;
/** A request to join is at least as long as its answer: who forges senders gains nothing. */
export const joinBytes = 1 + tokenBytes;

/** What a player wants from now on. */
export interface Input {
  /** Counts up: UDP may bring an older one later. */
  readonly sequence: number;
  /** -1, 0 or 1. */
  readonly dx: number;
  readonly dy: number;
}

export interface PlayerState {
  readonly id: number;
  /** The last input that is a part of this state. */
  readonly sequence: number;
  readonly x: number;
  readonly y: number;
}

/** The world at one tick. */
export interface WorldState {
  readonly tick: number;
  readonly players: readonly PlayerState[];
}

const inputBytes = 1 + tokenBytes + 4 + 2;
const stateHeadBytes = 1 + 4 + 1;
const playerBytes = 2 + 4 + 4 + 4;

export const writeJoin = (): Buffer => Buffer.alloc(joinBytes, Buffer.of(kind.join, 0));

export function writeWelcome(token: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(kind.welcome), token]);
}

export function writeLeave(token: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(kind.leave), token]);
}

export function writeInput(token: Uint8Array, { sequence, dx, dy }: Input): Buffer {
  const datagram = Buffer.alloc(inputBytes);
  datagram[0] = kind.input;
  datagram.set(token, 1);
  datagram.writeUInt32BE(sequence, 1 + tokenBytes);
  datagram.writeInt8(dx, inputBytes - 2);
  datagram.writeInt8(dy, inputBytes - 1);
  return datagram;
}

/** Null for what is no input. */
export function readInput(datagram: Buffer): Input | null {
  if (datagram.length !== inputBytes) return null;
  const sequence = datagram.readUInt32BE(1 + tokenBytes);
  const [dx, dy] = [datagram.readInt8(inputBytes - 2), datagram.readInt8(inputBytes - 1)];
  return { sequence, dx: Math.sign(dx), dy: Math.sign(dy) };
}

export function writeState({ tick, players }: WorldState): Buffer {
  const datagram = Buffer.alloc(stateHeadBytes + players.length * playerBytes);
  datagram[0] = kind.state;
  datagram.writeUInt32BE(tick, 1);
  datagram[5] = players.length;
  let at = stateHeadBytes;
  for (const { id, sequence, x, y } of players) {
    datagram.writeUInt16BE(id, at);
    datagram.writeUInt32BE(sequence, at + 2);
    datagram.writeFloatBE(x, at + 6);
    datagram.writeFloatBE(y, at + 10);
    at += playerBytes;
  }
  return datagram;
}

export function readState(datagram: Buffer): WorldState {
  const players = Array.from({ length: datagram[5] ?? 0 }, (_, index) => {
    const at = stateHeadBytes + index * playerBytes;
    return {
      id: datagram.readUInt16BE(at),
      sequence: datagram.readUInt32BE(at + 2),
      x: datagram.readFloatBE(at + 6),
      y: datagram.readFloatBE(at + 10),
    };
  });
  return { tick: datagram.readUInt32BE(1), players };
}
