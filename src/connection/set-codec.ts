/** A connection gets another codec, or waits for one. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { ICodec } from '../codec/codec.ts';
import { checkCodec } from '../codec/codec-for.ts';
import { heldBytes } from '../codec/holding-state.ts';
import { bufferLength } from './inbound.ts';
import { pause, resume, takeTurns } from './pausing.ts';
import { type Connection, isClosed, useCodec } from './record.ts';
import { pauseReason } from './states.ts';

/** See `Conn`. */
export function setCodec(c: Connection, codec: ICodec<unknown>): void {
  checkCodec(codec, 'what setCodec was given');
  if (isClosed(c)) return;
  const held = heldBytes(c.codecState);
  if (held > 0) {
    throw new ErrUnsupportedOp(
      `cannot set another codec: composeCodecs has taken ${held} bytes for frames that are not delivered ` +
        'yet; set it when the last frame of a block has come',
    );
  }
  useCodec(c, codec);
  resume(c, pauseReason.codec);
  // Without an unfinished frame, nothing else would call the new codec.
  if (bufferLength(c) > 0) takeTurns(c);
}

/** What waits is bounded, and what the program pauses and resumes meanwhile stays its own affair. */
export function awaitCodec(c: Connection): void {
  pause(c, pauseReason.codec);
}
