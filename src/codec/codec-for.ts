import { ErrInvalidOption } from '../base/errors.ts';
import { BuiltInFrameCodec } from './built-in-frame-codec.ts';
import type { CodecOption, ICodec } from './codec.ts';

/** It keeps nothing about a connection: one is enough. */
const builtIn = new BuiltInFrameCodec();

/**
 * What the `codec` option means for each new connection: the one instance, a new one from the
 * factory, or, without an option, no framing.
 * @throws `ErrInvalidOption` when it is neither a codec nor a function; the function that is returned
 * throws it when the factory does not make a codec.
 */
export function codecFor<Frame = Buffer>(option?: CodecOption<Frame>): () => ICodec<Frame> {
  if (option === undefined) return codecFor(builtIn as unknown as ICodec<Frame>);
  if (typeof option !== 'function') {
    const codec = checkCodec(option, 'the codec option');
    return () => codec;
  }
  // A class is a function too, and cannot be called.
  if (/^class\b/.test(Function.prototype.toString.call(option))) {
    throw new ErrInvalidOption(
      'cannot use the codec option: it is a class, expected an instance of it (new ...) ' +
        'or a function that makes one for each connection (() => new ...)',
    );
  }
  return () => checkCodec(option(), 'what the codec function returned');
}

/** @throws `ErrInvalidOption`, naming `what` it is, when it is no codec. */
export function checkCodec<Frame>(codec: ICodec<Frame>, what: string): ICodec<Frame> {
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec;
  throw new ErrInvalidOption(
    `cannot use ${what}: it is ${codec === null ? 'null' : typeof codec}, ` +
      'expected an object with encode(c, buf) and decode(c)',
  );
}
