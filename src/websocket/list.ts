const BLANKS = /^[\t ]+|[\t ]+$/g;

/** The parts of a header's value, without the blanks around them. `trim` would take more than HTTP does. */
export function splitList(value: string, separator: ',' | ';' | '='): string[] {
  return value.split(separator).map((part) => part.replace(BLANKS, ''));
}
