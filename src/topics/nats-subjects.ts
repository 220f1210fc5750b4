/**
 * Topics as subjects of NATS: levels stand between dots, and what a subject cannot hold is escaped as in
 * a URL. An empty level is a lone `%`.
 */

import { ErrTopicTooLong } from './errors.ts';

const emptyLevel = '%';
/**
 * In bytes. A server that gets a line of more than `max_control_line`, 4,096 bytes by default, ends the
 * connection; half of it is for what else stands in one, as where to send an answer.
 */
const subjectMax = 2_048;
/** A character becomes at most so many bytes: three, each as `%` and two digits. */
const escapedMax = 9;
/** What a token of a subject cannot hold or means something else in it, and the sign of escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const escaped = /[\s.*>%\u0000-\u001f\u007f]/gu;

function tokenOf(level: string): string {
  if (level === '') return emptyLevel;
  return level.replaceAll(escaped, (character) => {
    // A dot and a star stand in URLs as they are.
    if (character === '.') return '%2E';
    return character === '*' ? '%2A' : encodeURIComponent(character);
  });
}

export function subjectOf(prefix: string, topic: string): string {
  return prefix + topic.split('/').map(tokenOf).join('.');
}

/** @throws ErrTopicTooLong if NATS could not take the subject of a topic or filter. */
export function checkSubject(prefix: string, topic: string): void {
  if (prefix.length * 3 + topic.length * escapedMax < subjectMax) return;
  const bytes = Math.max(...subjectsOf(prefix, topic).map((one) => Buffer.byteLength(one)));
  if (bytes <= subjectMax) return;
  const reason = `its subject in NATS has ${bytes} bytes; use at most ${subjectMax}`;
  throw new ErrTopicTooLong(topic, reason);
}

/** All subjects that a filter matches. `a/#` matches `a`, too, which takes a second one. */
export function subjectsOf(prefix: string, filter: string): string[] {
  const levels = filter.split('/');
  const all = levels.at(-1) === '#';
  if (all) levels.pop();
  const tokens = levels.map((level) => (level === '+' ? '*' : tokenOf(level)));
  const front = prefix + tokens.join('.');
  if (!all) return [front];
  return tokens.length === 0 ? [`${prefix}>`] : [front, `${front}.>`];
}

/** Whether it stands for several. A star or `>` of a topic's name is escaped. */
export function isWildSubject(subject: string): boolean {
  return /[*>]/.test(subject);
}

/** Null for what no topic became. */
export function topicOf(prefix: string, subject: string): string | null {
  const levels = subject.slice(prefix.length).split('.');
  try {
    return levels.map((token) => (token === emptyLevel ? '' : decodeURIComponent(token))).join('/');
  } catch {
    return null;
  }
}
