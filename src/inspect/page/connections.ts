/** The table of connections: one page of it at a time, sorted by the server. */
import type { ListData, RowData } from './data.ts';
import { change, connections } from './api.ts';
import { byId, make, setText } from './dom.ts';
import { bytes, count, duration, perSecond } from './format.ts';

interface Column {
  readonly key: keyof RowData;
  readonly title: string;
  readonly show: (row: RowData) => string;
  /** Left out on phones. */
  readonly wide?: true;
  readonly words?: true;
}

const columns: readonly Column[] = [
  { key: 'remoteAddr', title: 'Peer', show: (row) => row.remoteAddr, words: true },
  { key: 'localAddr', title: 'Here', show: (row) => row.localAddr, words: true, wide: true },
  { key: 'id', title: 'Id', show: (row) => String(row.id), wide: true },
  { key: 'loop', title: 'Loop', show: (row) => String(row.loop), wide: true },
  { key: 'state', title: 'State', show: (row) => row.state, words: true, wide: true },
  { key: 'age', title: 'Age', show: (row) => duration(row.age) },
  { key: 'bytesReceived', title: 'Received', show: (row) => bytes(row.bytesReceived), wide: true },
  { key: 'bytesSent', title: 'Sent', show: (row) => bytes(row.bytesSent), wide: true },
  { key: 'receivedPerSecond', title: 'In', show: (row) => perSecond(row.receivedPerSecond) },
  { key: 'sentPerSecond', title: 'Out', show: (row) => perSecond(row.sentPerSecond) },
  {
    key: 'inboundBuffered',
    title: 'In buffer',
    show: (row) => bytes(row.inboundBuffered),
    wide: true,
  },
  { key: 'outboundBuffered', title: 'To send', show: (row) => bytes(row.outboundBuffered) },
];

const pageLength = 50;
const lookMs = 2_000;

export class ConnectionTable {
  server = 0;
  readOnly = true;
  #sort: keyof RowData = 'age';
  #descending = true;
  #offset = 0;
  #matching = 0;
  #asked = 0;
  #isOn = false;
  readonly #body = document.querySelector('#connections tbody') as HTMLTableSectionElement;

  constructor() {
    const head = columns.map((column) => {
      const button = make('button', { type: 'button' }, column.title);
      button.addEventListener('click', () => this.#sortBy(column.key));
      const cell = make('th', { className: classOf(column), scope: 'col' }, button);
      cell.dataset['key'] = column.key;
      return cell;
    });
    document.querySelector('#connections thead')?.append(make('tr', {}, ...head, make('th')));
    this.#body.addEventListener('click', (event) => this.#clicked(event));
    byId('filter').addEventListener('input', () => this.#turnTo(0));
    byId('previous').addEventListener('click', () => this.#turnTo(this.#offset - pageLength));
    byId('next').addEventListener('click', () => this.#turnTo(this.#offset + pageLength));
    byId('list-choice').addEventListener('submit', (event) => event.preventDefault());
    setInterval(() => {
      if (this.#isOn && document.visibilityState === 'visible') void this.look();
    }, lookMs);
  }

  /** It asks the server for as long as that is there. */
  set isOn(on: boolean) {
    const begins = on && !this.#isOn;
    this.#isOn = on;
    if (begins) void this.look();
  }

  show(server: number): void {
    this.server = server;
    this.#turnTo(0);
  }

  #sortBy(key: keyof RowData): void {
    this.#descending = this.#sort === key ? !this.#descending : key !== 'remoteAddr';
    this.#sort = key;
    this.#turnTo(0);
  }

  #turnTo(offset: number): void {
    this.#offset = Math.max(0, offset);
    void this.look();
  }

  async look(): Promise<void> {
    this.#asked++;
    const mine = this.#asked;
    const parameters = new URLSearchParams({
      server: String(this.server),
      sort: this.#sort,
      descending: this.#descending ? '1' : '0',
      offset: String(this.#offset),
      limit: String(pageLength),
      filter: byId<HTMLInputElement>('filter').value.trim(),
    });
    try {
      const page = await connections(parameters);
      // An answer that came after a later question is old.
      if (mine === this.#asked) this.#fill(page);
    } catch (error) {
      if (mine === this.#asked && this.#isOn) setText(byId('list-note'), messageOf(error));
    }
  }

  #fill(page: ListData): void {
    this.#matching = page.matching;
    if (page.rows.length === 0 && this.#offset > 0) return this.#turnTo(lastPage(page.matching));
    for (const cell of document.querySelectorAll<HTMLElement>('#connections thead th[data-key]')) {
      const isKey = cell.dataset['key'] === this.#sort;
      cell.ariaSort = isKey ? (this.#descending ? 'descending' : 'ascending') : 'none';
    }
    this.#body.replaceChildren(...page.rows.map((row) => this.#row(row)));
    const to = this.#offset + page.rows.length;
    const from = Math.min(this.#offset + 1, to);
    const unseen =
      page.total > page.seen ? ` (the first ${count(page.seen)} of ${count(page.total)})` : '';
    setText(byId('range'), `${count(from)}–${count(to)} of ${count(page.matching)}${unseen}`);
    byId<HTMLButtonElement>('previous').disabled = this.#offset === 0;
    byId<HTMLButtonElement>('next').disabled = to >= this.#matching;
    setText(byId('list-note'), '');
  }

  #row(row: RowData): HTMLElement {
    const cells = columns.map((column) => {
      const cell = make('td', { className: classOf(column) }, column.show(row));
      cell.dataset['value'] = String(row[column.key]);
      return cell;
    });
    const close = make('button', { type: 'button', title: 'Close this connection' }, 'Close');
    close.dataset['id'] = String(row.id);
    close.ariaLabel = `Close the connection of ${row.remoteAddr}`;
    return make('tr', {}, ...cells, make('td', {}, this.readOnly ? '' : close));
  }

  #clicked(event: Event): void {
    const button = (event.target as HTMLElement).closest<HTMLButtonElement>('button[data-id]');
    if (button === null) return;
    button.disabled = true;
    const { server } = this;
    const close = change('close', { server, id: Number(button.dataset['id']) });
    close.then(
      () => void this.look(),
      (error: unknown) => setText(byId('list-note'), messageOf(error)),
    );
  }
}

const lastPage = (matching: number): number =>
  Math.max(0, Math.ceil(matching / pageLength) - 1) * pageLength;

const classOf = ({ wide, words }: Column): string =>
  [wide && 'wide', words && 'words'].filter(Boolean).join(' ');

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
