/** A connection gets another codec, or waits for one. */
import type { ICodec } from '../codec/codec.ts';
import { checkCodec } from '../codec/codec-for.ts';
import { bufferLength } from './inbound.ts';
import { pause, resume, takeTurns } from './pausing.ts';
import { type Connection, isClosed, useCodec } from './record.ts';
import { pauseReason } from './states.ts';

/** See `Conn`. */
export function setCodec(c: Connection, codec: ICodec<unknown>): void {
  checkCodec(codec, 'what setCodec was given');
  if (isClosed(c)) return;
  useCodec(c, codec);
  resume(c, pauseReason.codec);
  // Without an unfinished frame, nothing else would call the new codec.
  if (bufferLength(c) > 0) takeTurns(c);
}

/** What waits is bounded, and what the program pauses and resumes meanwhile stays its own affair. */
export function awaitCodec(c: Connection): void {
  pause(c, pauseReason.codec);
}
