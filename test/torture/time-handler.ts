/** Echoes, ticks, has a timer for each connection, and blocks when it is told to. */
import { type Conn, type EventHandler, GnetError } from 'gnet';

export const tickMs = 20;

export interface TimeCounts {
  readonly ticks: number;
  readonly timers: number;
  /** How often connections closed with each code; `-` is without an error. */
  readonly closed: Readonly<Record<string, number>>;
}

const counts = { ticks: 0, timers: 0, closed: {} as Record<string, number> };
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Of the loop of this thread. */
export function timeCounts(): TimeCounts {
  return { ...counts, closed: { ...counts.closed } };
}

function keepTimer(c: Conn): void {
  c.setTimer(tickMs, () => {
    counts.timers++;
    keepTimer(c);
  });
}

export class TimeHandler implements EventHandler {
  onOpened(c: Conn): void {
    keepTimer(c);
  }

  react(frame: Buffer | null) {
    const text = frame === null ? '' : frame.toString('latin1');
    if (text.startsWith('block ')) Atomics.wait(cell, 0, 0, Number(text.slice(6)));
    return frame;
  }

  onClosed(_c: Conn, error?: Error): void {
    const code =
      error === undefined ? '-' : error instanceof GnetError ? error.code : String(error);
    counts.closed[code] = (counts.closed[code] ?? 0) + 1;
  }

  tick(): number {
    counts.ticks++;
    return tickMs;
  }
}
