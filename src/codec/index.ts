/** Framing: what a program needs of it under `gnet/codec`. */
export {
  ErrCorruptedFrame,
  ErrCRLFNotFound,
  ErrDelimiterNotFound,
  ErrFrameTooLong,
  ErrInvalidFixedLength,
  ErrInvalidOption,
  ErrLengthOverflow,
  ErrTooLessLength,
  ErrUnexpectedEOF,
  ErrUnsupportedLength,
  GnetError,
} from '../base/errors.ts';
export { BuiltInFrameCodec } from './built-in-frame-codec.ts';
export { CobsCodec } from './cobs-codec.ts';
export type { CodecOption, FrameSink, FrameSource, ICodec } from './codec.ts';
export { codecFor } from './codec-for.ts';
export { type ComposeOptions, composeCodecs } from './compose-codecs.ts';
export {
  type Delimiter,
  DelimiterBasedFrameCodec,
  type DelimiterBasedFrameOptions,
} from './delimiter-based-frame-codec.ts';
export { FixedLengthFrameCodec } from './fixed-length-frame-codec.ts';
export type { ByteOrder } from './length-field.ts';
export {
  type DecoderConfig,
  type EncoderConfig,
  LengthFieldBasedFrameCodec,
  type LengthFieldBasedFrameOptions,
} from './length-field-based-frame-codec.ts';
export {
  CRLFByte,
  LineBasedFrameCodec,
  type LineBasedFrameOptions,
} from './line-based-frame-codec.ts';
export { NetstringCodec, type NetstringOptions } from './netstring-codec.ts';
export type { OversizeOptions } from './oversize.ts';
export { SlipCodec } from './slip-codec.ts';
export type { StuffedFrameOptions } from './stuffed-frames.ts';
export { VarintLengthCodec, type VarintLengthOptions } from './varint-length-codec.ts';
