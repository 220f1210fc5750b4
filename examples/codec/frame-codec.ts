import { LengthFieldBasedFrameCodec } from 'gnet/codec';

/** Both sides speak frames of at most this many bytes, their length included. */
export const FRAME_LENGTH_MAX = 1024 * 1024;

/** `length (4 bytes, big-endian) | payload`; handlers and callers see the payload alone. */
export function frameCodec(): LengthFieldBasedFrameCodec {
  return new LengthFieldBasedFrameCodec(
    { byteOrder: 'BE', lengthFieldLength: 4 },
    { byteOrder: 'BE', lengthFieldLength: 4, initialBytesToStrip: 4 },
    { maxFrameLength: FRAME_LENGTH_MAX },
  );
}
