import type { Call } from './call.ts';
import type { Command } from './command-table.ts';
import { readTime, type TimeForm } from './expiry.ts';
import { globMatches, type Work } from './glob.ts';
import { PATTERN_LENGTH_MAX, PATTERN_WORK_MAX, SCAN_COUNT_MAX } from './limits.ts';
import { failed, NOT_AN_INTEGER, SYNTAX_ERROR } from './replies.ts';
import { type Entry, typeOf } from './store.ts';

const TOO_LONG = `ERR the pattern is longer than ${PATTERN_LENGTH_MAX} bytes`;
const TOO_MUCH = 'ERR this would hold up everybody: take a simpler pattern, or SCAN';

/** Also UNLINK: memory is given back by the collector, whenever it likes. */
function del(call: Call): void {
  let deleted = 0;
  for (let index = 1; index < call.count; index++) {
    const key = call.key(index);
    if (call.database.get(key, call.clock) !== undefined && call.database.delete(key)) deleted++;
  }
  call.reply.integer(deleted);
}

/** A key that is named twice counts twice. */
function exists(call: Call): void {
  let found = 0;
  for (let index = 1; index < call.count; index++) {
    if (call.database.get(call.key(index), call.clock) !== undefined) found++;
  }
  call.reply.integer(found);
}

function expire(call: Call): void {
  setLimit(call, { relative: true, unit: 1_000 }, 'expire');
}

function pexpire(call: Call): void {
  setLimit(call, { relative: true, unit: 1 }, 'pexpire');
}

function expireat(call: Call): void {
  setLimit(call, { relative: false, unit: 1_000 }, 'expireat');
}

function pexpireat(call: Call): void {
  setLimit(call, { relative: false, unit: 1 }, 'pexpireat');
}

/** Under which conditions a time limit is changed. */
interface LimitFlags {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

/** Null after an error was answered. */
function readLimitFlags(call: Call): LimitFlags | null {
  const flags: LimitFlags = { nx: false, xx: false, gt: false, lt: false };
  for (let index = 3; index < call.count; index++) {
    const word = call.word(index);
    if (word !== 'nx' && word !== 'xx' && word !== 'gt' && word !== 'lt') {
      return failed(call, `ERR Unsupported option ${call.key(index)}`);
    }
    flags[word] = true;
  }
  if (flags.nx && (flags.xx || flags.gt || flags.lt)) {
    const text = 'ERR NX and XX, GT or LT options at the same time are not compatible';
    return failed(call, text);
  }
  if (flags.gt && flags.lt) {
    return failed(call, 'ERR GT and LT options at the same time are not compatible');
  }
  return flags;
}

/** No limit counts as one that never comes. */
function allows(flags: LimitFlags, entry: Entry, expiresAt: number): boolean {
  const has = entry.expiresAt !== 0;
  if (flags.nx && has) return false;
  if (flags.xx && !has) return false;
  if (flags.gt && (!has || expiresAt <= entry.expiresAt)) return false;
  return !(flags.lt && has && expiresAt >= entry.expiresAt);
}

function setLimit(call: Call, form: TimeForm, name: string): void {
  const flags = readLimitFlags(call);
  if (flags === null) return;
  const expiresAt = readTime(call, 2, form, name);
  if (expiresAt === null) return;
  const key = call.key(1);
  const entry = call.database.get(key, call.clock);
  if (entry === undefined || !allows(flags, entry, expiresAt)) return call.reply.integer(0);
  if (expiresAt <= call.clock.now) call.database.delete(key);
  else call.database.expire(key, entry, expiresAt);
  call.reply.integer(1);
}

function persist(call: Call): void {
  const entry = call.entry();
  const had = entry !== undefined && call.database.persist(call.key(1), entry);
  call.reply.integer(had ? 1 : 0);
}

function millisecondsLeft(call: Call): number {
  const entry = call.entry();
  if (entry === undefined) return -2;
  return entry.expiresAt === 0 ? -1 : entry.expiresAt - call.clock.now;
}

function ttl(call: Call): void {
  const left = millisecondsLeft(call);
  call.reply.integer(left < 0 ? left : Math.round(left / 1_000));
}

function pttl(call: Call): void {
  call.reply.integer(millisecondsLeft(call));
}

function type(call: Call): void {
  const entry = call.entry();
  call.reply.simple(entry === undefined ? 'none' : typeOf(entry));
}

function keys(call: Call): void {
  const pattern = call.key(1);
  if (pattern.length > PATTERN_LENGTH_MAX) return call.reply.error(TOO_LONG);
  const work: Work = { left: PATTERN_WORK_MAX };
  const found: string[] = [];
  for (const key of call.database.keys(call.clock)) {
    if (pattern === '*' || globMatches(pattern, key, work)) found.push(key);
    if (--work.left < 0) return call.reply.error(TOO_MUCH);
  }
  call.reply.arrayHeader(found.length);
  for (const key of found) call.reply.bulkKey(key);
}

interface ScanOptions {
  pattern: string;
  count: number;
  type: string;
}

/** Null after an error was answered. */
function readScanOptions(call: Call): ScanOptions | null {
  const options: ScanOptions = { pattern: '*', count: 10, type: '' };
  for (let index = 2; index < call.count; index += 2) {
    if (index + 1 === call.count) return failed(call, SYNTAX_ERROR);
    const word = call.word(index);
    if (word === 'match') options.pattern = call.key(index + 1);
    else if (word === 'type') options.type = call.word(index + 1);
    else if (word === 'count') {
      const count = call.integer(index + 1);
      if (count === null) return failed(call, NOT_AN_INTEGER);
      if (count < 1) return failed(call, SYNTAX_ERROR);
      options.count = Math.min(count, SCAN_COUNT_MAX);
    } else return failed(call, SYNTAX_ERROR);
  }
  return options.pattern.length > PATTERN_LENGTH_MAX ? failed(call, TOO_LONG) : options;
}

function scan(call: Call): void {
  const { reply, database, clock } = call;
  const cursor = /^\d{0,20}$/.test(call.key(1)) ? Number(call.key(1)) : -1;
  if (cursor === -1) return reply.error('ERR invalid cursor');
  const options = readScanOptions(call);
  if (options === null) return;
  const entries = database.scan(cursor);
  const work: Work = { left: PATTERN_WORK_MAX };
  const found: string[] = [];
  let next = entries.next();
  for (let seen = 1; next.done !== true; seen++) {
    const [key, entry] = next.value;
    const isThere = entry.expiresAt === 0 || entry.expiresAt > clock.now;
    const fits = options.pattern === '*' || globMatches(options.pattern, key, work);
    if (work.left < 0) return reply.error(TOO_MUCH);
    if (isThere && fits && (options.type === '' || options.type === typeOf(entry))) found.push(key);
    if (seen === options.count) break;
    next = entries.next();
  }
  reply.arrayHeader(2);
  reply.bulkText(String(next.done === true ? 0 : database.keepScan(entries)));
  reply.arrayHeader(found.length);
  for (const key of found) reply.bulkKey(key);
}

function dbsize(call: Call): void {
  call.reply.integer(call.database.size);
}

/** The words `SYNC` and `ASYNC` are allowed and make no difference. */
function mayFlush(call: Call): boolean {
  const word = call.count === 2 ? call.word(1) : 'sync';
  if (call.count <= 2 && (word === 'sync' || word === 'async')) return true;
  call.reply.error(SYNTAX_ERROR);
  return false;
}

function flushall(call: Call): void {
  if (!mayFlush(call)) return;
  call.store.clear();
  call.reply.ok();
}

function flushdb(call: Call): void {
  if (!mayFlush(call)) return;
  call.database.clear();
  call.reply.ok();
}

const reads = ['readonly', 'fast'];
const writes = ['write', 'fast'];

export const keyCommands: readonly Command[] = [
  { name: 'del', arity: -2, keys: [1, -1, 1], flags: ['write'], run: del },
  { name: 'unlink', arity: -2, keys: [1, -1, 1], flags: writes, run: del },
  { name: 'exists', arity: -2, keys: [1, -1, 1], flags: reads, run: exists },
  { name: 'expire', arity: -3, keys: [1, 1, 1], flags: writes, run: expire },
  { name: 'pexpire', arity: -3, keys: [1, 1, 1], flags: writes, run: pexpire },
  { name: 'expireat', arity: -3, keys: [1, 1, 1], flags: writes, run: expireat },
  { name: 'pexpireat', arity: -3, keys: [1, 1, 1], flags: writes, run: pexpireat },
  { name: 'persist', arity: 2, keys: [1, 1, 1], flags: writes, run: persist },
  { name: 'ttl', arity: 2, keys: [1, 1, 1], flags: reads, run: ttl },
  { name: 'pttl', arity: 2, keys: [1, 1, 1], flags: reads, run: pttl },
  { name: 'type', arity: 2, keys: [1, 1, 1], flags: reads, run: type },
  { name: 'keys', arity: 2, keys: [0, 0, 0], flags: ['readonly'], run: keys },
  { name: 'scan', arity: -2, keys: [0, 0, 0], flags: ['readonly'], run: scan },
  { name: 'dbsize', arity: 1, keys: [0, 0, 0], flags: reads, run: dbsize },
  { name: 'flushall', arity: -1, keys: [0, 0, 0], flags: ['write'], run: flushall },
  { name: 'flushdb', arity: -1, keys: [0, 0, 0], flags: ['write'], run: flushdb },
];
