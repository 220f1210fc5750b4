/**
 * A segment of KCP on the wire: 24 bytes, little-endian, then the data. A datagram is one or more.
 *
 *   0    4     5     6      8    12   16    20    24
 *   conv cmd   frg   wnd    ts   sn   una   len   data
 *
 * `frg` counts the fragments of a message that follow; `wnd` is what the sender of the segment can still
 * receive, `una` the first number that it has not received.
 */
export const headerBytes = 24;

export const command = { push: 81, ack: 82, askWindow: 83, tellWindow: 84 } as const;

export interface SegmentHeader {
  conv: number;
  cmd: number;
  frg: number;
  wnd: number;
  ts: number;
  sn: number;
  una: number;
  length: number;
}

export function emptyHeader(): SegmentHeader {
  return { conv: 0, cmd: 0, frg: 0, wnd: 0, ts: 0, sn: 0, una: 0, length: 0 };
}

/** False when there is no whole and known segment at `offset`. */
export function readSegment(data: Buffer, offset: number, into: SegmentHeader): boolean {
  if (offset + headerBytes > data.length) return false;
  into.conv = data.readUInt32LE(offset);
  into.cmd = data[offset + 4] as number;
  into.frg = data[offset + 5] as number;
  into.wnd = data.readUInt16LE(offset + 6);
  into.ts = data.readUInt32LE(offset + 8);
  into.sn = data.readUInt32LE(offset + 12);
  into.una = data.readUInt32LE(offset + 16);
  into.length = data.readUInt32LE(offset + 20);
  if (into.cmd < command.push || into.cmd > command.tellWindow) return false;
  return into.length <= data.length - offset - headerBytes;
}

export function writeSegment(data: Buffer, offset: number, header: SegmentHeader): number {
  data.writeUInt32LE(header.conv, offset);
  data[offset + 4] = header.cmd;
  data[offset + 5] = header.frg;
  data.writeUInt16LE(header.wnd, offset + 6);
  data.writeUInt32LE(header.ts, offset + 8);
  data.writeUInt32LE(header.sn, offset + 12);
  data.writeUInt32LE(header.una, offset + 16);
  data.writeUInt32LE(header.length, offset + 20);
  return offset + headerBytes;
}

/** How far number `one` is ahead of `other`, both modulo 2^32. */
export function ahead(one: number, other: number): number {
  return (one - other) | 0;
}
