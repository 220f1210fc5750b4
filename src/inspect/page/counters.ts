/** Every counter of every loop, in tables. */
import type { ServerData } from './data.ts';
import { byId, make, setText } from './dom.ts';
import { bytes, count, duration, percent } from './format.ts';

const groups: Readonly<Record<string, readonly string[]>> = {
  Loops: [
    'connections',
    'accepted',
    'closed',
    'utilization',
    'activeMs',
    'idleMs',
    'turns',
    'waits',
    'events',
  ],
  Traffic: ['bytesReceived', 'bytesSent', 'frames'],
  Backpressure: ['aboveHighWater', 'mailboxBytes', 'acceptRests'],
  Errors: [
    'closedByReset',
    'closedByTimeout',
    'closedByLimit',
    'closedByProtocol',
    'closedByHandler',
    'closedByOther',
  ],
  Datagrams: [
    'datagramsReceived',
    'datagramSessions',
    'datagramsOverflowed',
    'datagramsTruncated',
    'datagramsDropped',
    'datagramsRefused',
  ],
  TLS: ['tlsHandshakes', 'tlsFailures', 'tlsHandshakeMs'],
};

const known = new Set(Object.values(groups).flat());
const formats: Readonly<Record<string, (value: number) => string>> = {
  utilization: percent,
  activeMs: duration,
  idleMs: duration,
  bytesReceived: bytes,
  bytesSent: bytes,
  mailboxBytes: bytes,
};

/** `bytesReceived` as words; the unit of `activeMs` stands with the value. */
const words = (name: string): string => {
  const shown = name === 'tlsHandshakeMs' ? name : name.replace(/Ms$/, '');
  const text = shown.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return text.replace(/^tls/, 'TLS');
};

type Counters = Readonly<Record<string, number>>;

let shape = '';
const cells = new Map<string, HTMLElement>();

/** A counter that this page does not know stands with the others. */
export function showCounters(server: ServerData): void {
  const loops = server.stats.loops.map((loop) => {
    const numbers = Object.entries(loop).filter(([, value]) => typeof value === 'number');
    return Object.fromEntries(numbers) as Counters;
  });
  const names = Object.keys(loops[0] ?? {});
  const wanted = `${server.name} ${loops.length} ${server.stats.tls === undefined} ${names}`;
  if (wanted !== shape) lay(names, loops.length, server.stats.tls !== undefined);
  shape = wanted;
  for (const name of names) {
    const values = loops.map((loop) => loop[name] ?? 0);
    const total = values.reduce((sum, value) => sum + value, 0);
    for (const [index, value] of values.entries()) set(`${name} ${index}`, name, value);
    set(`${name} total`, name, name === 'utilization' ? total / values.length : total);
  }
}

function set(place: string, name: string, value: number): void {
  const cell = cells.get(place);
  if (cell === undefined) return;
  cell.dataset['value'] = String(value);
  setText(cell, (formats[name] ?? count)(value));
}

function lay(names: readonly string[], loops: number, hasTls: boolean): void {
  cells.clear();
  const all = { ...groups, Others: names.filter((name) => !known.has(name)) };
  const sections = Object.entries(all).map(([title, of]) => {
    const rows = of.filter((name) => names.includes(name));
    if (rows.length === 0 || (title === 'TLS' && !hasTls)) return '';
    const head = loops === 1 ? [] : Array.from({ length: loops }, (_, index) => `loop ${index}`);
    const table = make(
      'table',
      {},
      make('thead', {}, row(make('th', {}, ''), ['all', ...head], 'th')),
      make('tbody', {}, ...rows.map((name) => counterRow(name, head.length))),
    );
    return make('section', {}, make('h2', {}, title), make('div', { className: 'scrolls' }, table));
  });
  byId('counters').replaceChildren(...sections);
}

function row(first: HTMLElement, texts: readonly string[], kind: 'th' | 'td'): HTMLElement {
  return make('tr', {}, first, ...texts.map((text) => make(kind, {}, text)));
}

function counterRow(name: string, loops: number): HTMLElement {
  const places = ['total', ...Array.from({ length: loops }, (_, index) => String(index))];
  const made = places.map((place) => {
    const cell = make('td', { className: place === 'total' ? 'total' : '' });
    cell.dataset['counter'] = `${name} ${place}`;
    cells.set(`${name} ${place}`, cell);
    return cell;
  });
  return make('tr', {}, make('th', { scope: 'row' }, words(name)), ...made);
}
