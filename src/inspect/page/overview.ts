/** One server at a glance: facts, cards and plots. */
import type { ServerData, SnapshotData } from './data.ts';
import { byId, make, setText } from './dom.ts';
import { bytes, count, duration, percent, perSecond } from './format.ts';
import { type Line, Plot } from './plots.ts';

type Counter = 'bytesReceived' | 'bytesSent' | 'frames' | 'accepted';

const sum = (server: ServerData, name: Counter): number =>
  server.stats.loops.reduce((total, loop) => total + loop[name], 0);

const inPlot = {
  connections: new Plot('Connections', count),
  traffic: new Plot('Traffic', perSecond),
  frames: new Plot('Frames per second', count),
  utilization: new Plot('Utilization of loops', percent),
  memory: new Plot('Memory of the process', bytes),
};

export function showPlots(): void {
  byId('plots').append(...Object.values(inPlot).map(({ element }) => element));
}

/** Compares each snapshot with the one before. */
export class Overview {
  #before: { readonly snapshot: SnapshotData; readonly server: ServerData } | null = null;

  show(snapshot: SnapshotData, server: ServerData): void {
    const before = this.#before?.server.name === server.name ? this.#before : null;
    const seconds = before === null ? 0 : (snapshot.time - before.snapshot.time) / 1_000;
    /** Null with the first snapshot, and when a loop has begun to count anew. */
    const rate = (name: Counter): number | null => {
      if (before === null || seconds <= 0) return null;
      const change = sum(server, name) - sum(before.server, name);
      return change < 0 ? null : change / seconds;
    };
    const cpu =
      before === null || seconds <= 0
        ? null
        : (snapshot.process.cpuMs - before.snapshot.process.cpuMs) / 1_000 / seconds;
    showFacts(snapshot, server);
    showCards({
      Connections: count(server.stats.connections),
      'Accepted per second': shown(rate('accepted'), count),
      Received: shown(rate('bytesReceived'), perSecond),
      Sent: shown(rate('bytesSent'), perSecond),
      'Frames per second': shown(rate('frames'), count),
      'CPU of the process': shown(cpu, percent),
      Memory: bytes(snapshot.process.rss),
    });
    plot(snapshot, server, rate);
    this.#before = { snapshot, server };
  }
}

const shown = (value: number | null, format: (value: number) => string): string =>
  value === null ? '–' : format(value);

function plot(
  { time, process }: SnapshotData,
  { stats }: ServerData,
  rate: (name: Counter) => number | null,
): void {
  const at = time / 1_000;
  const line = (label: string, value: number | null): Line => ({ label, value });
  inPlot.connections.add(at, [line('open', stats.connections)]);
  inPlot.traffic.add(at, [
    line('received', rate('bytesReceived')),
    line('sent', rate('bytesSent')),
  ]);
  inPlot.frames.add(at, [line('frames', rate('frames'))]);
  inPlot.utilization.add(
    at,
    stats.loops.slice(0, 8).map(({ utilization }, index) => line(`loop ${index}`, utilization)),
  );
  inPlot.memory.add(at, [
    line('resident', process.rss),
    line('heap', process.heapUsed),
    line('outside the heap', process.external),
  ]);
}

function showFacts(snapshot: SnapshotData, server: ServerData): void {
  const { stats } = server;
  const { process } = snapshot;
  const facts: Record<string, string> = {
    Addresses: server.addrs.join(', ') || 'none: a client',
    Driver: `${stats.driver}, ${stats.host}`,
    Loops: String(stats.loops.length),
    Process: `${process.pid}, ${process.runtime}, up ${duration(process.uptimeSeconds * 1_000)}`,
  };
  if (server.state !== 'running') facts['State'] = server.state;
  if (stats.tls) facts['TLS'] = `${stats.tls.engine} ${stats.tls.version}`;
  for (const { name, reason } of stats.driversRefused) facts[`Not ${name}`] = reason;
  byId('facts').replaceChildren(
    ...Object.entries(facts).map(([name, value]) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, value)),
    ),
  );
}

const cards = new Map<string, HTMLElement>();

function showCards(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    let card = cards.get(name);
    if (card === undefined) {
      card = make('b');
      card.dataset['card'] = name;
      byId('cards').append(make('div', { className: 'card' }, card, make('span', {}, name)));
      cards.set(name, card);
    }
    setText(card, value);
  }
}
