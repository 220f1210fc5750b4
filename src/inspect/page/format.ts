/** Figures as people read them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number): string {
  let shown = value;
  let unit = 0;
  while (shown >= 1_024 && unit < units.length - 1) {
    shown /= 1_024;
    unit++;
  }
  return `${unit === 0 || shown >= 100 ? Math.round(shown) : shown.toFixed(1)} ${units[unit]}`;
}

export const perSecond = (value: number): string => `${bytes(value)}/s`;

const inGroups = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

export const count = (value: number): string => inGroups.format(value);

export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** A short time: `4 µs`, `1.5 ms`, `8.4 s`. */
export function milliseconds(ms: number): string {
  if (ms < 1) return `${count(ms * 1_000)} µs`;
  return ms < 1_000 ? `${count(ms)} ms` : `${count(ms / 1_000)} s`;
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3_600) % 24} h`;
}
