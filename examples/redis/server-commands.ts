import type { Call } from './call.ts';
import { type Command, CommandTable } from './command-table.ts';
import { globMatches } from './glob.ts';
import { keyCommands } from './key-commands.ts';
import { BULK_LENGTH_MAX, DATABASES } from './limits.ts';
import { stringCommands } from './string-commands.ts';

const startedAt = Date.now();

const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['appendonly', 'no'],
  ['databases', String(DATABASES)],
  ['maxmemory', '0'],
  ['proto-max-bulk-len', String(BULK_LENGTH_MAX)],
  ['save', ''],
]);

function ping(call: Call): void {
  if (call.count > 2) return wrongArity(call, 'ping');
  if (call.count === 2) call.replyWithArgument(1);
  else call.reply.pong();
}

function echo(call: Call): void {
  call.replyWithArgument(1);
}

function select(call: Call): void {
  const index = call.integer(1);
  if (index === null) return call.reply.error('ERR value is not an integer or out of range');
  const database = call.store.databases[index];
  if (database === undefined) return call.reply.error('ERR DB index is out of range');
  call.database = database;
  if (call.conn !== null) call.conn.context = database;
  call.reply.ok();
}

function quit(call: Call): void {
  call.quits = true;
  call.reply.ok();
}

function config(call: Call): void {
  if (call.word(1) !== 'get') {
    return call.reply.error('ERR this server knows CONFIG GET and no other form of CONFIG');
  }
  if (call.count < 3) return wrongArity(call, 'config|get');
  const found = new Set<string>();
  for (let index = 2; index < call.count; index++) {
    const pattern = call.word(index);
    for (const name of SETTINGS.keys()) if (globMatches(pattern, name)) found.add(name);
  }
  call.reply.arrayHeader(found.size * 2);
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
    'redis_version:7.0.0',
    'redis_mode:standalone',
    'server_name:gnet example',
    `process_id:${process.pid}`,
    `uptime_in_seconds:${seconds}`,
  ]);
  section('Memory', [`used_memory:${process.memoryUsage().rss}`]);
  const keyspace = call.store.databases.flatMap((database, index) =>
    database.size === 0
      ? []
      : [`db${index}:keys=${database.size},expires=${database.limitedSize},avg_ttl=0`],
  );
  section('Keyspace', keyspace);
  call.reply.bulkText(sections.join('\r\n'));
}

function command(call: Call): void {
  const form = call.count === 1 ? '' : call.word(1);
  if (form === 'count') return call.reply.integer(commands.all.length);
  // Help texts: a client that asks for them goes on without.
  if (form === 'docs') return call.reply.arrayHeader(0);
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
    if (one === null) call.reply.nil();
    else describe(call, one);
  }
}

function describe(call: Call, one: Command): void {
  const { reply } = call;
  reply.arrayHeader(6);
  reply.bulkText(one.name);
  reply.integer(one.arity);
  reply.arrayHeader(one.flags.length);
  for (const flag of one.flags) reply.simple(flag);
  for (const number of one.keys) reply.integer(number);
}

export function wrongArity(call: Call, name: string): void {
  call.reply.error(`ERR wrong number of arguments for '${name}' command`);
}

const serverCommands: readonly Command[] = [
  { name: 'ping', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: ping },
  { name: 'echo', arity: 2, keys: [0, 0, 0], flags: ['fast'], run: echo },
  { name: 'select', arity: 2, keys: [0, 0, 0], flags: ['fast'], run: select },
  { name: 'quit', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: quit },
  { name: 'config', arity: -2, keys: [0, 0, 0], flags: ['admin'], run: config },
  { name: 'info', arity: -1, keys: [0, 0, 0], flags: [], run: info },
  { name: 'command', arity: -1, keys: [0, 0, 0], flags: [], run: command },
];

export const commands = new CommandTable([...stringCommands, ...keyCommands, ...serverCommands]);
