import { cut } from 'gnet/testing';

/** The input in pieces: the places where it is cut come of what it says. */
export function piecesOf(input: Buffer): Buffer[] {
  const step = 1 + ((input[input.length >> 1] ?? 0) % 23);
  const places = Array.from({ length: Math.floor(input.length / step) }, (_, at) => at * step);
  return cut(input, places);
}
