import {
  command,
  emptyHeader,
  headerBytes,
  readSegment,
  type SegmentHeader,
  writeSegment,
} from '../../src/kcp/segment.ts';

export type Segment = SegmentHeader & { readonly text: string };

/** A datagram of one segment, as it is on the wire. */
export function segment(fields: Partial<SegmentHeader>, data: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(data);
  const header = { ...emptyHeader(), wnd: 128, ...fields, length: bytes.length };
  const datagram = Buffer.alloc(headerBytes + bytes.length);
  bytes.copy(datagram, writeSegment(datagram, 0, header));
  return datagram;
}

/** A message, or its fragment. */
export function push(conv: number, sn: number, data: Buffer | string, frg = 0): Buffer {
  return segment({ conv, sn, frg, cmd: command.push }, data);
}

/** Acknowledges a segment, and everything before it. */
export function ack({ conv, sn, ts }: Segment): Buffer {
  return segment({ conv, sn, ts, una: sn + 1, cmd: command.ack });
}

export function segmentsOf(datagram: Buffer): Segment[] {
  const all: Segment[] = [];
  const header = emptyHeader();
  for (let offset = 0; readSegment(datagram, offset, header); ) {
    const start = offset + headerBytes;
    offset = start + header.length;
    all.push({ ...header, text: datagram.toString('latin1', start, offset) });
  }
  return all;
}

export const isPush = ({ cmd }: Segment): boolean => cmd === command.push;
