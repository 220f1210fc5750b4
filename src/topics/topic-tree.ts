/**
 * The subscribers of each filter. Topic names have levels, as in MQTT: `rooms/7/chat`. In a filter
 * `+` matches one level, and `#` at the end all further levels; neither matches a first level that
 * begins with `$`.
 */

import { ErrTopicReserved, ErrTopicTooLong } from './errors.ts';

interface Node<Subscriber> {
  readonly children: Map<string, Node<Subscriber>>;
  /** Of the filter that ends here. */
  readonly own: Set<Subscriber>;
}

function emptyNode<Subscriber>(): Node<Subscriber> {
  return { children: new Map(), own: new Set() };
}

const LENGTH_MAX = 65_535;
/** Bounds what one filter costs, and how deep a tree becomes. */
const LEVELS_MAX = 128;
/** Of the topics that loops use themselves. */
const RESERVED = '$gnet';
const BELOW_RESERVED = `${RESERVED}/`;

/** @throws TypeError if it is not a topic name; ErrTopicTooLong; ErrTopicReserved. */
export function checkTopic(topic: string): void {
  checkText(topic);
  if (/[+#\0]/.test(topic)) {
    throw new TypeError(
      `Cannot publish under '${topic}': + and # are for filters, NUL for nothing`,
    );
  }
  checkLevels(topic);
}

/** @throws TypeError if it is not a filter; ErrTopicTooLong; ErrTopicReserved. */
export function checkFilter(filter: string): void {
  checkText(filter);
  if (/[+#\0]/.test(filter.replaceAll(/(?<=^|\/)(?:\+(?=\/|$)|#$)/g, ''))) {
    const reason = '+ is a whole level, # the last one, and NUL nothing';
    throw new TypeError(`Cannot subscribe to '${filter}': ${reason}`);
  }
  checkLevels(filter);
}

function checkText(topic: string): void {
  if (typeof topic === 'string' && topic !== '' && topic.length <= LENGTH_MAX) return;
  throw new TypeError('Cannot use a topic: it must be a text of 1 to 65,535 characters');
}

function checkLevels(topic: string): void {
  if (topic === RESERVED || topic.startsWith(BELOW_RESERVED)) {
    throw new ErrTopicReserved(topic);
  }
  if (topic.length < LEVELS_MAX) return;
  const levels = topic.split('/').length;
  if (levels <= LEVELS_MAX) return;
  throw new ErrTopicTooLong(topic, `it has ${levels} levels; use at most ${LEVELS_MAX}`);
}

export function isWild(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/** Whether a filter matches a topic, level by level. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (isWild(wanted[0] as string) && topic.startsWith('$')) return false;
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '#') return true;
    if (index >= levels.length) return false;
    if (wanted[index] !== '+' && wanted[index] !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

/** Filters with wildcards; those without are found quicker by their name. */
export class TopicTree<Subscriber> {
  readonly #root: Node<Subscriber> = emptyNode();
  size = 0;

  /** False when it was there already. */
  add(filter: string, subscriber: Subscriber): boolean {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let next = node.children.get(level);
      if (next === undefined) {
        next = emptyNode();
        node.children.set(level, next);
      }
      node = next;
    }
    if (node.own.has(subscriber)) return false;
    node.own.add(subscriber);
    this.size++;
    return true;
  }

  remove(filter: string, subscriber: Subscriber): void {
    const path: { node: Node<Subscriber>; level: string }[] = [];
    let node = this.#root;
    for (const level of filter.split('/')) {
      const next = node.children.get(level);
      if (next === undefined) return;
      path.push({ node, level });
      node = next;
    }
    if (!node.own.delete(subscriber)) return;
    this.size--;
    // Removes unused branches.
    for (let step = path.pop(); step !== undefined; step = path.pop()) {
      if (node.own.size > 0 || node.children.size > 0) return;
      step.node.children.delete(step.level);
      node = step.node;
    }
  }

  /** Adds those whose filters match. Goes no deeper than the longest filter. */
  collect(topic: string, found: Set<Subscriber>): void {
    this.#collect(this.#root, topic.split('/'), 0, found);
  }

  #collect(
    node: Node<Subscriber>,
    levels: readonly string[],
    depth: number,
    found: Set<Subscriber>,
  ): void {
    const mayBeWild = depth > 0 || levels[0]?.startsWith('$') !== true;
    if (mayBeWild) addAll(node.children.get('#')?.own, found);
    if (depth === levels.length) {
      addAll(node.own, found);
      return;
    }
    const exact = node.children.get(levels[depth] as string);
    if (exact !== undefined) this.#collect(exact, levels, depth + 1, found);
    const any = mayBeWild ? node.children.get('+') : undefined;
    if (any !== undefined && any !== exact) this.#collect(any, levels, depth + 1, found);
  }
}

function addAll<Subscriber>(from: Set<Subscriber> | undefined, to: Set<Subscriber>): void {
  if (from === undefined) return;
  for (const one of from) to.add(one);
}
