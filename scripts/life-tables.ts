/**
 * The tables of docs/connection-life.md, made of the model that the tests walk: a test fails when the
 * page says something else.
 *
 *     node --conditions=gnet-source scripts/life-tables.ts      writes them again
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  after,
  eventNames,
  isPossible,
  type LifeEvent,
  type LifeSettings,
  type LifeState,
  lifeEvents,
  nameOfState,
  shownStates,
} from '../testing/connection-model.ts';

const document = new URL('../docs/connection-life.md', import.meta.url);

/** Their marks in the page, and whether a connection may stay half-open. */
const tables: readonly (readonly [string, boolean])[] = [
  ['usual', false],
  ['half-open', true],
];

function cell(settings: LifeSettings, state: LifeState, event: LifeEvent): string {
  if (!isPossible(settings, state, event)) return '';
  const { heard, next } = after(settings, state, event);
  const words: string[] = [];
  if (heard.bytes[1] > 0) words.push('`react`');
  if (heard.ends[1] > 0) words.push('`onEnd`');
  if (heard.drains[1] > 0) words.push('`onDrain`');
  if (heard.closed !== null) {
    const codes = heard.closed.map((code) => (code === '-' ? 'no error' : `\`${code}\``));
    words.push(`\`onClosed\`: ${codes.join(' or ')}`);
  } else if (nameOfState(next) !== nameOfState(state)) {
    words.push(`*${nameOfState(next)}*`);
  }
  if (heard.mayBreak === true) words.push('or `onClosed`: `ECONNRESET`');
  return words.length === 0 ? '-' : words.join(', ');
}

function tableOf(allowHalfOpen: boolean): string {
  const settings: LifeSettings = { allowHalfOpen, overflow: 'pause' };
  const states = shownStates.filter(({ peerEnd }) => allowHalfOpen || peerEnd === 'none');
  const rows = eventNames.map((event) => {
    return [lifeEvents[event], ...states.map((state) => cell(settings, state, event))];
  });
  const head = ['', ...states.map((state) => `*${nameOfState(state)}*`)];
  return [head, head.map(() => '---'), ...rows]
    .map((columns) => `| ${columns.join(' | ')} |`)
    .join('\n');
}

/** The page as it must be. */
export function withLifeTables(page: string): string {
  let text = page;
  for (const [name, allowHalfOpen] of tables) {
    const begin = `<!-- table: ${name} -->\n`;
    const end = '<!-- end -->';
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(end, from);
    if (from < begin.length || to === -1) throw new Error(`the page has no table ${name}`);
    text = `${text.slice(0, from)}\n${tableOf(allowHalfOpen)}\n\n${text.slice(to)}`;
  }
  return text;
}

export function readLifePage(): string {
  return readFileSync(document, 'utf8');
}

if (import.meta.main) writeFileSync(document, withLifeTables(readLifePage()));
