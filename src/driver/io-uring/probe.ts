import { ErrUnsupportedPlatform, GnetError } from '../../base/errors.ts';
import type { Address } from '../../ffi/index.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { send, shutdownSocket, socketPair } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import { nativeSlabPool } from '../native/native-memory.ts';
import { BufferRing } from './buffer-ring.ts';
import { completionWords, flagsWord, resultWord } from './completion-queue.ts';
import { Operations } from './operations.ts';
import { Ring } from './ring.ts';

export interface IoUringAbilities {
  /** The kernel fills a receive buffer bit by bit, correctly. */
  readonly incremental: boolean;
  /** A multishot receive can be limited to a number of bytes (6.17). */
  readonly limited: boolean;
}

const pieceBytes = 100;
const bufferBytes = 4_096;
const limitBytes = 2 * pieceBytes;
const patienceMs = 1_000;
const endPatienceMs = 100;
const more = numbers.IORING_CQE_F_MORE;
const bufferMore = numbers.IORING_CQE_F_BUF_MORE;

/** Two pieces through a socket pair into one buffer ring: whether they came as they should. */
function receivesPieces(abilities: IoUringAbilities): boolean {
  const ring = new Ring(8);
  let buffers: BufferRing | null = null;
  const pair = socketPair();
  if (typeof pair === 'number') {
    ring.close();
    throw syscallError('socketpair', -pair, 'try io_uring');
  }
  try {
    buffers = new BufferRing(ring, {
      entries: 4,
      bufferBytes,
      headroomBytes: 0,
      incremental: abilities.incremental,
    });
    const operations = new Operations(ring, abilities.limited ? limitBytes : 0);
    const stream = { descriptor: pair[0], slot: 0, generation: 1 };
    operations.receive(stream);
    for (const piece of [1, 2]) {
      if (!receivesPiece(ring, buffers, pair[1], piece, abilities)) return false;
    }
    if (abilities.limited) operations.receive(stream);
    return receivesEnd(ring, pair[1]);
  } finally {
    // The end of the peer ends the receive; then nothing is in flight.
    closeDescriptor(pair[1]);
    for (let tries = 0; ring.inFlight > 0 && tries < 5; tries++) ring.collect(patienceMs, 8);
    closeDescriptor(pair[0]);
    buffers?.close(ring.inFlight > 0);
    ring.close();
  }
}

/**
 * Bytes and the end right behind them, while the receive waits: kernels since 6.17 that lack a later
 * repair report the bytes and never the end.
 */
function receivesEnd(ring: Ring, from: number): boolean {
  const { completions } = ring;
  ring.submit();
  if (!sendPiece(from, 3)) return false;
  shutdownSocket(from, constants.SHUT_WR);
  for (let tries = 0; tries < 3; tries++) {
    completions.count = 0;
    ring.collect(endPatienceMs, 8);
    for (let index = 0; index < completions.count; index++) {
      if (completions.list[index * completionWords + resultWord] === 0) return true;
    }
  }
  return false;
}

function sendPiece(to: number, piece: number): boolean {
  const pool = nativeSlabPool(bufferBytes);
  const slab = pool.take();
  slab.bytes.fill(piece, 0, pieceBytes);
  const sent = send(to, slab.address as Address, pieceBytes);
  pool.release(slab);
  return sent === pieceBytes;
}

function receivesPiece(
  ring: Ring,
  buffers: BufferRing,
  from: number,
  piece: number,
  { incremental, limited }: IoUringAbilities,
): boolean {
  if (!sendPiece(from, piece)) return false;
  const { completions } = ring;
  completions.count = 0;
  ring.collect(patienceMs, 8);
  if (completions.count !== 1) return false;
  const flags = completions.list[flagsWord] as number;
  const last = limited && piece * pieceBytes === limitBytes;
  const wanted = numbers.IORING_CQE_F_BUFFER | (last ? 0 : more) | (incremental ? bufferMore : 0);
  if (completions.list[resultWord] !== pieceBytes || (flags & 0xffff & wanted) !== wanted)
    return false;
  buffers.begin(flags, pieceBytes);
  const { slab, start } = buffers;
  const right = slab.bytes.subarray(start, start + pieceBytes).every((byte) => byte === piece);
  buffers.end(flags);
  return right && start === (incremental ? (piece - 1) * pieceBytes : 0);
}

let known: IoUringAbilities | null = null;

/**
 * Tries it: a ring of this thread, a buffer ring, bytes through both. Once per thread.
 * @throws ErrUnsupportedPlatform with the reason when it does not work here.
 */
export function probeIoUring(): IoUringAbilities {
  known ??= probe();
  return known;
}

/** Best first. */
const candidates: readonly IoUringAbilities[] = [
  { incremental: true, limited: true },
  { incremental: true, limited: false },
  { incremental: false, limited: false },
];

function probe(): IoUringAbilities {
  let reason =
    'a multishot receive into a ring of buffers does not work as it should on this kernel';
  for (const abilities of candidates) {
    try {
      if (receivesPieces(abilities)) return abilities;
    } catch (error) {
      // EINVAL from registering buffers: not incremental before 6.12. Without a ring nothing helps.
      if (!(error instanceof GnetError) || error.code !== 'EINVAL') throw error;
      reason = error.message;
    }
  }
  throw new ErrUnsupportedPlatform(`cannot use io_uring: ${reason}`);
}
