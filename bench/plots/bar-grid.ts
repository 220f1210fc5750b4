/**
 * Draws a grid of panels with horizontal bars as SVG text. One row of a panel is one server, so
 * that names stay readable however many there are; a whisker shows the lowest and the highest
 * round. Every panel has its own scale from zero: bars compare inside a panel only.
 */

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Printed behind the bar. */
  readonly text: string;
  /** Ours: drawn in the accent colour. */
  readonly highlighted: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface BarGrid {
  readonly title: string;
  /** Small lines under the title: unit, direction, machine, versions. */
  readonly notes: readonly string[];
  /** Row by row; a null leaves its place empty. */
  readonly rows: readonly (readonly (Panel | null)[])[];
}

const MARGIN = 24;
const PANEL_GAP = 20;
const PANEL_TITLE_HEIGHT = 26;
const BAR_PITCH = 22;
const BAR_HEIGHT = 14;
const LABEL_WIDTH_MIN = 104;
const LABEL_GAP = 6;
const BARS_WIDTH = 150;
const TEXT_WIDTH = 126;
/** Of the widest usual letters, so that no name is cut off. */
const LETTER_WIDTH = 7.2;
const BOLD_LETTER_WIDTH = 8.2;
/** Room for a title and notes, also above a single panel. */
const COLUMNS_MIN = 2;
const TITLE_HEIGHT = 30;
const NOTE_HEIGHT = 17;
/** Characters of a note that fit into one pixel of width, for wrapping. */
const NOTE_CHARACTERS_PER_PIXEL = 0.165;
const TITLE_CHARACTERS_PER_PIXEL = 0.08;

const COLOURS = {
  accent: '#0b6e4f',
  bar: '#8fa3b8',
  whisker: '#1f2933',
  text: '#1f2933',
  faint: '#52606d',
  line: '#d9e0e6',
};

export function drawBarGrid(grid: BarGrid): string {
  const columns = Math.max(COLUMNS_MIN, ...grid.rows.map((row) => row.length));
  const labelWidth = labelWidthOf(grid);
  const panelWidth = labelWidth + BARS_WIDTH + TEXT_WIDTH;
  const width = 2 * MARGIN + columns * panelWidth + (columns - 1) * PANEL_GAP;
  const notes = grid.notes.flatMap((note) =>
    wrap(note, (width - 2 * MARGIN) * NOTE_CHARACTERS_PER_PIXEL),
  );
  const parts: string[] = [];
  let y = MARGIN;
  for (const line of wrap(grid.title, (width - 2 * MARGIN) * TITLE_CHARACTERS_PER_PIXEL)) {
    parts.push(textAt(MARGIN, y + 16, line, 'font-size="20" font-weight="bold"'));
    y += TITLE_HEIGHT;
  }
  for (const note of notes) {
    parts.push(textAt(MARGIN, y + 8, note, `font-size="12" fill="${COLOURS.faint}"`));
    y += NOTE_HEIGHT;
  }
  y += PANEL_GAP / 2;
  for (const row of grid.rows) {
    row.forEach((panel, column) => {
      const x = MARGIN + column * (panelWidth + PANEL_GAP);
      if (panel !== null) parts.push(drawPanel(panel, x, y, labelWidth));
    });
    y += rowHeight(row) + PANEL_GAP;
  }
  const height = y - PANEL_GAP + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif"`,
    ` font-size="12" fill="${COLOURS.text}">\n`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n`,
    `${parts.join('\n')}\n</svg>\n`,
  ].join('');
}

/** As wide as the longest name in the grid needs: the panels of a column stand below each other. */
function labelWidthOf(grid: BarGrid): number {
  const bars = grid.rows.flat().flatMap((panel) => panel?.bars ?? []);
  const widths = bars.map(({ label, highlighted }) => {
    return label.length * (highlighted ? BOLD_LETTER_WIDTH : LETTER_WIDTH) + LABEL_GAP;
  });
  return Math.ceil(Math.max(LABEL_WIDTH_MIN, ...widths));
}

function rowHeight(row: readonly (Panel | null)[]): number {
  const bars = Math.max(0, ...row.map((panel) => panel?.bars.length ?? 0));
  return PANEL_TITLE_HEIGHT + bars * BAR_PITCH;
}

function drawPanel(panel: Panel, x: number, y: number, labelWidth: number): string {
  const largest = Math.max(...panel.bars.map((bar) => bar.high));
  const scale = BARS_WIDTH / (largest || 1);
  const lineY = y + PANEL_TITLE_HEIGHT - 7;
  const parts = [
    textAt(x, y + 13, panel.title, 'font-size="13" font-weight="bold"'),
    `<path d="M${x} ${lineY}h${labelWidth + BARS_WIDTH + TEXT_WIDTH}" stroke="${COLOURS.line}"/>`,
  ];
  panel.bars.forEach((bar, index) => {
    const barY = y + PANEL_TITLE_HEIGHT + index * BAR_PITCH;
    parts.push(drawBar(bar, x + labelWidth, barY, scale));
  });
  return parts.join('\n');
}

/** @param start where the bar begins; its name ends before that. */
function drawBar(bar: Bar, start: number, y: number, scale: number): string {
  const middle = y + BAR_HEIGHT / 2;
  const baseline = middle + 4;
  const weight = bar.highlighted ? ' font-weight="bold"' : '';
  const fill = bar.highlighted ? COLOURS.accent : COLOURS.bar;
  const low = fixed(start + bar.low * scale);
  const high = fixed(start + bar.high * scale);
  const length = fixed(bar.value * scale);
  const textX = start + bar.high * scale + 6;
  return [
    textAt(start - LABEL_GAP, baseline, bar.label, `text-anchor="end"${weight}`),
    `<rect x="${start}" y="${y}" width="${length}" height="${BAR_HEIGHT}" fill="${fill}"/>`,
    `<path d="M${low} ${middle}H${high}M${low} ${middle - 3}v6M${high} ${middle - 3}v6"` +
      ` stroke="${COLOURS.whisker}" fill="none"/>`,
    textAt(textX, baseline, bar.text, weight.trim()),
  ].join('\n');
}

function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escapeText(text)}</text>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function wrap(text: string, characters: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > characters) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
