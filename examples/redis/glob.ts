export interface Work {
  /** Characters that may still be compared; below 0 there were too many. */
  left: number;
}

/**
 * Whether all of `text` fits `pattern`: `*` any run, `?` any character, `[a-c]` and `[^a]` classes,
 * a backslash takes the next character as it is. The last star is the only place to go back to, so
 * the work is at most the product of the two lengths. With `work`, it is counted there, and nothing fits
 * any more once that is used up.
 */
export function globMatches(pattern: string, text: string, work: Work | null = null): boolean {
  let at = 0;
  let place = 0;
  let starAt = -1;
  let starPlace = 0;
  while (place < text.length) {
    if (work !== null) {
      work.left -= pattern[at] === '[' ? pattern.length - at : 1;
      if (work.left < 0) return false;
    }
    if (pattern[at] === '*') {
      starAt = at++;
      starPlace = place;
      continue;
    }
    const next = at < pattern.length ? matchOne(pattern, at, text[place] as string) : -1;
    if (next !== -1) {
      at = next;
      place++;
    } else if (starAt !== -1) {
      at = starAt + 1;
      place = ++starPlace;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at >= pattern.length;
}

/** The place in the pattern after the one element at `at` when it fits `character`, else -1. */
function matchOne(pattern: string, at: number, character: string): number {
  const element = pattern[at] as string;
  if (element === '?') return at + 1;
  if (element === '[') return matchClass(pattern, at + 1, character);
  if (element === '\\' && at + 1 < pattern.length) {
    return pattern[at + 1] === character ? at + 2 : -1;
  }
  return element === character ? at + 1 : -1;
}

function matchClass(pattern: string, start: number, character: string): number {
  let at = start;
  const negated = pattern[at] === '^';
  if (negated) at++;
  let found = false;
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at++;
    const low = pattern[at] as string;
    if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const high = pattern[at + 2] as string;
      const [from, to] = low <= high ? [low, high] : [high, low];
      if (character >= from && character <= to) found = true;
      at += 3;
    } else {
      if (low === character) found = true;
      at++;
    }
  }
  return found === negated ? -1 : at + 1;
}
