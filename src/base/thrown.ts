import { GnetError } from './errors.ts';

/** Characters of something foreign that one of our messages repeats: it may be what a client sent. */
export const foreignTextMax = 1_024;

/** The text, cut where it is longer than a message or a log line should be. */
export function cutText(text: string, max: number = foreignTextMax): string {
  return text.length <= max ? text : `${text.slice(0, max)}... (${text.length} characters)`;
}

/**
 * What a program gave or threw, as text for a message. Never throws, whatever it is: objects without
 * a prototype (what `querystring.parse` makes), with a `toString` that throws, and proxies are none
 * that `String()` can take.
 */
export function textOf(value: unknown): string {
  try {
    return cutText(String(value));
  } catch {
    return cutText(textOfObject(value as object));
  }
}

function textOfObject(value: object): string {
  try {
    const { message } = value as { message?: unknown };
    if (typeof message === 'string') return message;
    return `an object with the members: ${Object.keys(value).join(', ')}`;
  } catch {
    return 'an object that cannot be shown as text';
  }
}

/** What was thrown, as an error that is safe to look at: itself, unless it only pretends to be one. */
export function errorOf(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && isReadable(thrown)) return thrown;
  } catch {
    // A proxy, or an accessor that throws.
  }
  return new Error(textOf(thrown));
}

function isReadable(error: Error): boolean {
  const { name, message, stack } = error;
  return [name, message, stack ?? ''].every((part) => typeof part === 'string');
}

/** Whether it is an error of the framework: also asked of what only pretends to be one. */
export function isGnetError(thrown: unknown): thrown is GnetError {
  try {
    return thrown instanceof GnetError && isReadable(thrown);
  } catch {
    return false;
  }
}
