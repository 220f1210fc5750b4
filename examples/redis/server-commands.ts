import type { Call } from './call.ts';
import { channelCommands } from './channel-commands.ts';
import { type Command, CommandTable } from './command-table.ts';
import { connectionCommands, REDIS_VERSION } from './connection-commands.ts';
import { counterCommands } from './counter-commands.ts';
import { globMatches } from './glob.ts';
import { hashCommands } from './hash-commands.ts';
import { keyCommands } from './key-commands.ts';
import { BULK_LENGTH_MAX, DATABASES, PATTERN_LENGTH_MAX } from './limits.ts';
import { listCommands } from './list-commands.ts';
import { wrongArity } from './replies.ts';
import { setCommands } from './set-commands.ts';
import { stringCommands } from './string-commands.ts';

const startedAt = Date.now();

const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['appendonly', 'no'],
  ['databases', String(DATABASES)],
  ['maxmemory', '0'],
  ['proto-max-bulk-len', String(BULK_LENGTH_MAX)],
  ['save', ''],
]);

function config(call: Call): void {
  if (call.word(1) !== 'get') {
    return call.reply.error('ERR this server knows CONFIG GET and no other form of CONFIG');
  }
  if (call.count < 3) return wrongArity(call, 'config|get');
  const found = new Set<string>();
  for (let index = 2; index < call.count; index++) {
    const pattern = call.word(index).slice(0, PATTERN_LENGTH_MAX);
    for (const name of SETTINGS.keys()) if (globMatches(pattern, name)) found.add(name);
  }
  call.reply.mapHeader(found.size);
  for (const name of found) {
    call.reply.bulkText(name);
    call.reply.bulkText(SETTINGS.get(name) as string);
  }
}

function info(call: Call): void {
  const wanted = new Set<string>();
  for (let index = 1; index < call.count; index++) wanted.add(call.word(index));
  const all = wanted.size === 0 || ['all', 'default', 'everything'].some((w) => wanted.has(w));
  const sections: string[] = [];
  const section = (name: string, lines: readonly string[]): void => {
    if (!all && !wanted.has(name.toLowerCase())) return;
    sections.push(`# ${name}\r\n${lines.map((line) => `${line}\r\n`).join('')}`);
  };
  const seconds = Math.floor((call.clock.now - startedAt) / 1_000);
  section('Server', [
    `redis_version:${REDIS_VERSION}`,
    'redis_mode:standalone',
    'server_name:gnet example',
    `process_id:${process.pid}`,
    `uptime_in_seconds:${seconds}`,
  ]);
  // Clients wait with their commands until nothing is loaded any more.
  section('Persistence', ['loading:0', 'async_loading:0']);
  section('Replication', ['role:master', 'connected_slaves:0']);
  section('Cluster', ['cluster_enabled:0']);
  section('Memory', [`used_memory:${process.memoryUsage().rss}`]);
  const keyspace = call.store.databases.flatMap((database, index) =>
    database.size === 0
      ? []
      : [`db${index}:keys=${database.size},expires=${database.limitedSize},avg_ttl=0`],
  );
  section('Keyspace', keyspace);
  call.reply.verbatim(sections.join('\r\n'));
}

function command(call: Call): void {
  const form = call.count === 1 ? '' : call.word(1);
  if (form === 'count') return call.reply.integer(commands.all.length);
  // Help texts: a client that asks for them goes on without.
  if (form === 'docs') return call.reply.mapHeader(0);
  if (form !== '' && form !== 'info') {
    return call.reply.error('ERR this server knows COMMAND, COMMAND COUNT, DOCS and INFO');
  }
  if (call.count <= 2) {
    call.reply.arrayHeader(commands.all.length);
    for (const one of commands.all) describe(call, one);
    return;
  }
  call.reply.arrayHeader(call.count - 2);
  for (let index = 2; index < call.count; index++) {
    const one = commands.find(call.bytes, call.start(index), call.end(index));
    if (one === null) call.reply.nilArray();
    else describe(call, one);
  }
}

function describe(call: Call, one: Command): void {
  const { reply } = call;
  reply.arrayHeader(6);
  reply.bulkText(one.name);
  reply.integer(one.arity);
  reply.setHeader(one.flags.length);
  for (const flag of one.flags) reply.simple(flag);
  for (const number of one.keys) reply.integer(number);
}

const serverCommands: readonly Command[] = [
  { name: 'config', arity: -2, keys: [0, 0, 0], flags: ['admin'], run: config },
  { name: 'info', arity: -1, keys: [0, 0, 0], flags: [], run: info },
  { name: 'command', arity: -1, keys: [0, 0, 0], flags: [], run: command },
];

export const commands = new CommandTable([
  ...stringCommands,
  ...counterCommands,
  ...keyCommands,
  ...listCommands,
  ...hashCommands,
  ...setCommands,
  ...channelCommands,
  ...connectionCommands,
  ...serverCommands,
]);
