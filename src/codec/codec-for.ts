import { ErrInvalidOption } from '../base/errors.ts';
import { BuiltInFrameCodec } from './built-in-frame-codec.ts';
import type { CodecOption, ICodec } from './codec.ts';

/**
 * What the `codec` option means for each new connection: the one instance, a new one from the
 * factory, or, without an option, no framing.
 * @throws `ErrInvalidOption` when it is neither a codec nor a function; the function that is returned
 * throws it when the factory does not make a codec.
 */
export function codecFor(option?: CodecOption): () => ICodec {
  if (option === undefined) return codecFor(new BuiltInFrameCodec());
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

function checkCodec(codec: ICodec, what: string): ICodec {
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec;
  throw new ErrInvalidOption(
    `cannot use ${what}: it is ${codec === null ? 'null' : typeof codec}, ` +
      'expected an object with encode(c, buf) and decode(c)',
  );
}
