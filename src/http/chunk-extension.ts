import { CR, IS_FIELD, IS_TOKEN, isBlank, SEMICOLON } from './characters.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * What follows a chunk size on its line, as RFC 9112 (7.1.1) writes it: `;name`, `;name=value` or
 * `;name="a value"`, with blanks around `;` and `=` but never before the line end.
 */
export const ExtensionState = {
  /** Behind blanks that follow the size: a semicolon must come. */
  AfterSize: 0,
  /** Behind a semicolon and blanks. */
  NameStart: 1,
  Name: 2,
  /** Behind blanks that follow a name. */
  AfterName: 3,
  /** Behind an equals sign and blanks. */
  ValueStart: 4,
  Value: 5,
  Quoted: 6,
  /** Behind a backslash in quotes. */
  Escaped: 7,
  /** Behind the closing quote. */
  QuoteEnd: 8,
  /** Behind blanks that follow a value: another extension must come. */
  AfterValue: 9,
  /** The CR was seen. */
  LineEnd: 10,
  Wrong: 11,
} as const;
export type ExtensionState = (typeof ExtensionState)[keyof typeof ExtensionState];

export function nextExtensionState(state: ExtensionState, byte: number): ExtensionState {
  switch (state) {
    case ExtensionState.NameStart:
      if (isBlank(byte)) return state;
      return IS_TOKEN[byte] === 1 ? ExtensionState.Name : ExtensionState.Wrong;
    case ExtensionState.Name:
      if (IS_TOKEN[byte] === 1) return state;
      if (byte === EQUALS) return ExtensionState.ValueStart;
      return afterPart(byte, ExtensionState.AfterName);
    case ExtensionState.AfterName:
      if (byte === EQUALS) return ExtensionState.ValueStart;
      return afterBlanks(byte, state);
    case ExtensionState.ValueStart:
      if (isBlank(byte)) return state;
      if (byte === QUOTE) return ExtensionState.Quoted;
      return IS_TOKEN[byte] === 1 ? ExtensionState.Value : ExtensionState.Wrong;
    case ExtensionState.Value:
      if (IS_TOKEN[byte] === 1) return state;
      return afterPart(byte, ExtensionState.AfterValue);
    case ExtensionState.Quoted:
      if (byte === QUOTE) return ExtensionState.QuoteEnd;
      if (byte === BACKSLASH) return ExtensionState.Escaped;
      return IS_FIELD[byte] === 1 ? state : ExtensionState.Wrong;
    case ExtensionState.Escaped:
      return IS_FIELD[byte] === 1 ? ExtensionState.Quoted : ExtensionState.Wrong;
    case ExtensionState.QuoteEnd:
      return afterPart(byte, ExtensionState.AfterValue);
    default:
      return afterBlanks(byte, state);
  }
}

/** A name or value is over: the line end, blanks or the next extension may come. */
function afterPart(byte: number, blanks: ExtensionState): ExtensionState {
  if (byte === CR) return ExtensionState.LineEnd;
  if (isBlank(byte)) return blanks;
  return byte === SEMICOLON ? ExtensionState.NameStart : ExtensionState.Wrong;
}

/** Blanks were seen, which belong to a semicolon that has to come. */
function afterBlanks(byte: number, state: ExtensionState): ExtensionState {
  if (isBlank(byte)) return state;
  return byte === SEMICOLON ? ExtensionState.NameStart : ExtensionState.Wrong;
}
