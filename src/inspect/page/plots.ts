/** What changes over time, as lines. */
import uPlot from 'uplot';
import { make } from './dom.ts';

/** Points that are kept: ten minutes, at one a second. */
const pointsMax = 600;

export interface Line {
  readonly label: string;
  /** Null where it is not known. */
  readonly value: number | null;
}

const colours = [
  '#2f81f7',
  '#e3873f',
  '#3fb950',
  '#bc6bd9',
  '#d94f70',
  '#2bb3b3',
  '#b58900',
  '#8b949e',
];

const clock = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString('en-GB', { timeStyle: 'medium' });

const colourAt = (index: number): string => colours[index % colours.length] as string;

/** One plot; its lines are known with the first point, and it begins anew when they change. */
export class Plot {
  readonly element: HTMLElement;
  readonly #caption: HTMLElement;
  readonly #room: HTMLElement;
  readonly #title: string;
  readonly #format: (value: number) => string;
  #labels = '';
  #times: number[] = [];
  #values: (number | null)[][] = [];
  #drawn: uPlot | null = null;

  constructor(title: string, format: (value: number) => string) {
    this.#title = title;
    this.#format = format;
    this.#caption = make('figcaption');
    this.#room = make('div');
    this.element = make('figure', {}, this.#caption, this.#room);
    new ResizeObserver(() => this.#resize()).observe(this.#room);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw());
  }

  add(time: number, lines: readonly Line[]): void {
    const labels = lines.map(({ label }) => label).join();
    if (labels !== this.#labels) this.#begin(lines, labels);
    this.#times.push(time);
    for (const [index, { value }] of lines.entries()) this.#values[index]?.push(value);
    for (const list of [this.#times, ...this.#values]) if (list.length > pointsMax) list.shift();
    this.#drawn?.setData([this.#times, ...this.#values]);
  }

  #begin(lines: readonly Line[], labels: string): void {
    this.#labels = labels;
    this.#times = [];
    this.#values = lines.map(() => []);
    const names = lines.map(({ label }, index) => {
      const dot = make('i');
      dot.style.background = colourAt(index);
      return make('span', {}, dot, label);
    });
    this.#caption.replaceChildren(make('b', {}, this.#title), ...(lines.length > 1 ? names : []));
    this.#redraw();
  }

  #redraw(): void {
    this.#drawn?.destroy();
    const style = getComputedStyle(document.documentElement);
    const axis = {
      stroke: style.getPropertyValue('--dim'),
      grid: { stroke: style.getPropertyValue('--line'), width: 1 },
      ticks: { show: false },
    };
    const series = this.#labels.split(',').map((label, index) => ({
      label,
      stroke: colourAt(index),
      width: 1.5,
      points: { show: false },
    }));
    this.#drawn = new uPlot(
      {
        width: Math.max(this.#room.clientWidth, 120),
        height: 150,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, size: 30, values: (_plot, ticks) => ticks.map(clock) },
          { ...axis, size: 64, values: (_plot, ticks) => ticks.map((tick) => this.#format(tick)) },
        ],
        series: [{}, ...series],
      },
      [this.#times, ...this.#values],
      this.#room,
    );
  }

  #resize(): void {
    const width = this.#room.clientWidth;
    if (this.#drawn !== null && width > 0 && width !== this.#drawn.width) {
      this.#drawn.setSize({ width, height: 150 });
    }
  }
}
