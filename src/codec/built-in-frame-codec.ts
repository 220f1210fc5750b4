import { encodesAs, type FrameSource, type ICodec } from './codec.ts';

/** The default: no framing. What has arrived is the frame, and bytes are sent as they are. */
export class BuiltInFrameCodec implements ICodec {
  get sharesEncoding(): boolean {
    return encodesAs(this, BuiltInFrameCodec.prototype);
  }

  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    return buf;
  }

  decode(c: FrameSource): Buffer | null {
    if (c.bufferLength() === 0) return null;
    const frame = c.read();
    c.resetBuffer();
    return frame;
  }
}
