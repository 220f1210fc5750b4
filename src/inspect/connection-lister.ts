/** Pages of the list of connections, with rates. */
import { type ConnectionInfo, ErrInvalidOption, type ListOptions, type Server } from '../index.ts';
import type { ConnectionPage, ConnectionRow, SortKey } from './protocol.ts';

/** Which page of which order. */
export interface ListQuery {
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
  /** A part of an address, a state or an id. */
  readonly filter: string;
}

type OrderBy = NonNullable<ListOptions['orderBy']>;

/** What the loops order by, where there are more connections than a list has. */
const orderOf: Readonly<Record<SortKey, OrderBy>> = {
  id: 'age',
  loop: 'age',
  remoteAddr: 'age',
  localAddr: 'age',
  state: 'age',
  age: 'age',
  bytesReceived: 'bytesReceived',
  receivedPerSecond: 'bytesReceived',
  bytesSent: 'bytesSent',
  sentPerSecond: 'bytesSent',
  inboundBuffered: 'inboundBuffered',
  outboundBuffered: 'outboundBuffered',
};

const seenMax = 10_000;
const rowsMax = 500;
/** Visitors who turn pages, or who are several, look at one list. Milliseconds. */
const freshFor = 900;

/** @throws ErrInvalidOption */
export function listQuery(parameters: URLSearchParams): ListQuery {
  const sort = parameters.get('sort') ?? 'age';
  if (!Object.hasOwn(orderOf, sort)) throw wrong('sort', Object.keys(orderOf).join(', '));
  return {
    sort: sort as SortKey,
    descending: parameters.get('descending') !== '0',
    offset: count(parameters, 'offset', 0, 0, seenMax),
    limit: count(parameters, 'limit', 50, 1, rowsMax),
    filter: parameters.get('filter') ?? '',
  };
}

function wrong(name: string, wanted: string): ErrInvalidOption {
  return new ErrInvalidOption(`cannot list connections by this ${name}: give ${wanted}`);
}

function count(
  parameters: URLSearchParams,
  name: string,
  otherwise: number,
  min: number,
  max: number,
): number {
  const text = parameters.get(name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
  throw wrong(name, `a whole number from ${min} to ${max}`);
}

interface Look {
  readonly at: number;
  readonly orderBy: OrderBy;
  readonly list: readonly ConnectionInfo[];
}

/** Of one server. It holds nothing until somebody asks, and two lists from then on. */
export class ConnectionLister {
  readonly #server: Server;
  #last: Promise<Look> | null = null;
  #lastAt = 0;
  #lastOrder: OrderBy | null = null;
  /** Bytes received and sent by the list before, by id. */
  #before = new Map<number, readonly [at: number, received: number, sent: number]>();
  #rows: { readonly of: Look; readonly rows: ConnectionRow[] } | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  async page(query: ListQuery): Promise<ConnectionPage> {
    const rows = this.#rowsOf(await this.#look(orderOf[query.sort]));
    const { filter, sort, descending, offset, limit } = query;
    const matching = filter === '' ? [...rows] : rows.filter((row) => matches(row, filter));
    matching.sort((one, other) => {
      const order = compare(one[sort], other[sort]);
      // The same everywhere: rows must not jump between two looks.
      return (descending ? -order : order) || one.id - other.id;
    });
    return {
      total: this.#server.countConnections(),
      seen: rows.length,
      matching: matching.length,
      rows: matching.slice(offset, offset + limit),
    };
  }

  #look(orderBy: OrderBy): Promise<Look> {
    const now = performance.now();
    const isFresh = now - this.#lastAt < freshFor;
    const isAll = this.#server.countConnections() <= seenMax;
    if (this.#last !== null && isFresh && (isAll || this.#lastOrder === orderBy)) return this.#last;
    this.#lastAt = now;
    this.#lastOrder = orderBy;
    const list = this.#server.listConnections({ orderBy, limit: seenMax });
    this.#last = list.then((found) => ({ at: performance.now(), orderBy, list: found }));
    return this.#last;
  }

  #rowsOf(look: Look): ConnectionRow[] {
    if (this.#rows?.of === look) return this.#rows.rows;
    const rows = look.list.map((info) => this.#row(info, look.at));
    this.#before = new Map(
      look.list.map((one) => [one.id, [look.at, one.bytesReceived, one.bytesSent]]),
    );
    this.#rows = { of: look, rows };
    return rows;
  }

  /** Since the list before; for what that did not have, over its life. */
  #row(info: ConnectionInfo, at: number): ConnectionRow {
    const { age, bytesReceived, bytesSent } = info;
    const [since, received, sent] = this.#before.get(info.id) ?? [at - age, 0, 0];
    const seconds = Math.max(at - since, 1) / 1_000;
    return {
      ...info,
      receivedPerSecond: Math.round((bytesReceived - received) / seconds),
      sentPerSecond: Math.round((bytesSent - sent) / seconds),
    };
  }
}

function matches(row: ConnectionRow, filter: string): boolean {
  const { remoteAddr, localAddr, state, id } = row;
  return (
    remoteAddr.includes(filter) ||
    localAddr.includes(filter) ||
    state === filter ||
    `${id}` === filter
  );
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one) < String(other) ? -1 : one === other ? 0 : 1;
}
