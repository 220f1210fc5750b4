/** A snapshot as lines of text. */
import type { ConnectionPage, ServerFacts, Snapshot } from '../inspect/index.ts';
import { bytes, count, duration, percent, perSecond } from '../inspect/page/format.ts';

type Loop = ServerFacts['stats']['loops'][number];
type Counter = 'accepted' | 'bytesReceived' | 'bytesSent' | 'frames';

/** Names of others must not move the cursor. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

const sum = ({ stats }: ServerFacts, name: keyof Loop): number =>
  stats.loops.reduce((total, loop) => total + (loop[name] as number), 0);

/**
 * @param before the snapshot of the look before, for rates; null for the first look.
 * @param width longer lines are cut.
 */
export function topText(
  snapshot: Snapshot,
  before: Snapshot | null,
  lists: readonly ConnectionPage[],
  width: number,
): string {
  const { process } = snapshot;
  const cpu =
    before === null
      ? ''
      : `  cpu ${percent((process.cpuMs - before.process.cpuMs) / (snapshot.time - before.time))}`;
  const up = duration(process.uptimeSeconds * 1_000);
  const lines = [
    `process ${process.pid}  ${process.runtime}  up ${up}${cpu}  memory ${bytes(process.rss)}`,
  ];
  snapshot.servers.forEach((server, index) => {
    const then = before?.servers[index];
    const seconds = before === null ? 0 : (snapshot.time - before.time) / 1_000;
    lines.push('', ...serverLines(server, then, seconds), '');
    lines.push(...connectionLines(lists[index] as ConnectionPage));
  });
  const cut = lines.map((line) => plain(line).slice(0, Math.max(width, 20)));
  return `${cut.join('\n')}\n`;
}

function serverLines(
  server: ServerFacts,
  before: ServerFacts | undefined,
  seconds: number,
): string[] {
  const { stats, name, state } = server;
  const rate = (counter: Counter, format: (value: number) => string): string => {
    if (before === undefined || seconds <= 0) return '';
    return ` (${format(Math.max(0, sum(server, counter) - sum(before, counter)) / seconds)})`;
  };
  const times = (value: number): string => `${count(value)}/s`;
  const failed = Object.entries({
    reset: 'closedByReset',
    timeout: 'closedByTimeout',
    limit: 'closedByLimit',
    protocol: 'closedByProtocol',
    handler: 'closedByHandler',
    other: 'closedByOther',
  } as const).map(([kind, counter]) => `${kind} ${count(sum(server, counter))}`);
  return [
    `${name}  ${stats.driver}, ${stats.host}${state === 'running' ? '' : `  ${state}`}`,
    `connections ${count(stats.connections)}  accepted ${count(sum(server, 'accepted'))}${rate('accepted', times)}` +
      `  received ${bytes(sum(server, 'bytesReceived'))}${rate('bytesReceived', perSecond)}` +
      `  sent ${bytes(sum(server, 'bytesSent'))}${rate('bytesSent', perSecond)}` +
      `  frames ${count(sum(server, 'frames'))}${rate('frames', times)}`,
    `failed: ${failed.join('  ')}  slow readers ${count(sum(server, 'aboveHighWater'))}`,
    ...table([
      ['loop', 'connections', 'utilization', 'received', 'sent', 'mailbox'],
      ...stats.loops.map((loop, index) => [
        String(index),
        count(loop.connections),
        percent(loop.utilization),
        bytes(loop.bytesReceived),
        bytes(loop.bytesSent),
        bytes(loop.mailboxBytes),
      ]),
    ]),
  ];
}

function connectionLines({ rows, matching }: ConnectionPage): string[] {
  if (rows.length === 0) return [];
  const shown = rows.map((row) => [
    row.remoteAddr,
    String(row.loop),
    row.state,
    duration(row.age),
    perSecond(row.receivedPerSecond),
    perSecond(row.sentPerSecond),
    bytes(row.bytesReceived),
    bytes(row.bytesSent),
    bytes(row.outboundBuffered),
  ]);
  const head = ['peer', 'loop', 'state', 'age', 'in', 'out', 'received', 'sent', 'to send'];
  const more = matching - rows.length;
  return [...table([head, ...shown]), ...(more > 0 ? [`and ${count(more)} more`] : [])];
}
