import type { Call } from './call.ts';
import type { Command } from './command-table.ts';
import { readFutureTime, timeForms } from './expiry.ts';
import { BULK_LENGTH_MAX } from './limits.ts';
import { failed, replyWithEntry, SYNTAX_ERROR, wrongType } from './replies.ts';
import type { Entry } from './store.ts';

function get(call: Call): void {
  replyWithEntry(call, call.database.get(call.key(1), call.clock));
}

interface SetOptions {
  onlyNew: boolean;
  onlyOld: boolean;
  keepsLimit: boolean;
  returnsOld: boolean;
  /** Milliseconds since 1970; 0: never. */
  expiresAt: number;
}

/** Null after an error was answered. */
function readSetOptions(call: Call): SetOptions | null {
  const options: SetOptions = {
    onlyNew: false,
    onlyOld: false,
    keepsLimit: false,
    returnsOld: false,
    expiresAt: 0,
  };
  for (let index = 3; index < call.count; index++) {
    const word = call.word(index);
    const form = timeForms[word];
    if (word === 'nx' && !options.onlyOld) options.onlyNew = true;
    else if (word === 'xx' && !options.onlyNew) options.onlyOld = true;
    else if (word === 'get') options.returnsOld = true;
    else if (word === 'keepttl' && options.expiresAt === 0) options.keepsLimit = true;
    else if (form !== undefined && options.expiresAt === 0 && !options.keepsLimit) {
      if (++index === call.count) return failed(call, SYNTAX_ERROR);
      const time = readFutureTime(call, index, form, 'set');
      if (time === null) return null;
      options.expiresAt = time;
    } else return failed(call, SYNTAX_ERROR);
  }
  return options;
}

function set(call: Call): void {
  if (call.count > 3) return setWithOptions(call);
  const entry = call.database.forWriting(call.key(1));
  entry.setBytes(call.bytes, call.start(2), call.end(2));
  call.reply.ok();
}

function setWithOptions(call: Call): void {
  const options = readSetOptions(call);
  if (options === null) return;
  const { database, reply } = call;
  const key = call.key(1);
  const old = database.get(key, call.clock);
  if (options.returnsOld && old !== undefined && old.collection !== null) {
    wrongType(call);
    return;
  }
  if (options.returnsOld) replyWithEntry(call, old);
  if (old === undefined ? options.onlyOld : options.onlyNew) {
    if (!options.returnsOld) reply.nil();
    return;
  }
  const entry = options.keepsLimit ? database.forChange(key, call.clock) : database.forWriting(key);
  entry.setBytes(call.bytes, call.start(2), call.end(2));
  if (options.expiresAt !== 0) database.expire(key, entry, options.expiresAt);
  if (!options.returnsOld) reply.ok();
}

function setnx(call: Call): void {
  if (call.entry() !== undefined) return call.reply.integer(0);
  const entry = call.database.forWriting(call.key(1));
  entry.setBytes(call.bytes, call.start(2), call.end(2));
  call.reply.integer(1);
}

function setWithTime(call: Call, unit: 'ex' | 'px', name: string): void {
  const form = timeForms[unit];
  const time = form === undefined ? null : readFutureTime(call, 2, form, name);
  if (time === null) return;
  const key = call.key(1);
  const entry = call.database.forWriting(key);
  entry.setBytes(call.bytes, call.start(3), call.end(3));
  call.database.expire(key, entry, time);
  call.reply.ok();
}

function setex(call: Call): void {
  setWithTime(call, 'ex', 'setex');
}

function psetex(call: Call): void {
  setWithTime(call, 'px', 'psetex');
}

function getset(call: Call): void {
  const old = call.entry();
  replyWithEntry(call, old);
  if (old !== undefined && old.collection !== null) return;
  const entry = call.database.forWriting(call.key(1));
  entry.setBytes(call.bytes, call.start(2), call.end(2));
}

function getdel(call: Call): void {
  const entry = call.entry();
  replyWithEntry(call, entry);
  if (entry !== undefined && entry.collection === null) call.database.delete(call.key(1));
}

function mget(call: Call): void {
  const { reply } = call;
  reply.arrayHeader(call.count - 1);
  for (let index = 1; index < call.count; index++) {
    const entry = call.database.get(call.key(index), call.clock);
    if (entry !== undefined && entry.collection !== null) reply.nil();
    else replyWithEntry(call, entry);
  }
}

function mset(call: Call): void {
  if (call.count % 2 === 0) {
    return call.reply.error("ERR wrong number of arguments for 'mset' command");
  }
  for (let index = 1; index < call.count; index += 2) {
    const entry = call.database.forWriting(call.key(index));
    entry.setBytes(call.bytes, call.start(index + 1), call.end(index + 1));
  }
  call.reply.ok();
}

/** The bytes of a string; an integer as its decimal form. */
function bytesOf(entry: Entry): Uint8Array {
  return entry.isInteger ? Buffer.from(String(entry.integer), 'latin1') : entry.bytes;
}

function strlen(call: Call): void {
  const entry = call.entry();
  if (entry === undefined) call.reply.integer(0);
  else if (entry.collection !== null) wrongType(call);
  else call.reply.integer(bytesOf(entry).length);
}

function append(call: Call): void {
  const old = call.entry();
  if (old !== undefined && old.collection !== null) {
    wrongType(call);
    return;
  }
  const before = old === undefined ? new Uint8Array(0) : bytesOf(old);
  const length = before.length + call.end(2) - call.start(2);
  if (length > BULK_LENGTH_MAX) {
    return call.reply.error('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  }
  const bytes = new Uint8Array(length);
  bytes.set(before);
  bytes.set(call.bytes.subarray(call.start(2), call.end(2)), before.length);
  call.database.forChange(call.key(1), call.clock).setBytes(bytes, 0, length);
  call.reply.integer(length);
}

export const stringCommands: readonly Command[] = [
  { name: 'get', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: get },
  { name: 'set', arity: -3, keys: [1, 1, 1], flags: ['write', 'denyoom'], run: set },
  { name: 'setnx', arity: 3, keys: [1, 1, 1], flags: ['write', 'denyoom', 'fast'], run: setnx },
  { name: 'setex', arity: 4, keys: [1, 1, 1], flags: ['write', 'denyoom'], run: setex },
  { name: 'psetex', arity: 4, keys: [1, 1, 1], flags: ['write', 'denyoom'], run: psetex },
  { name: 'getset', arity: 3, keys: [1, 1, 1], flags: ['write', 'denyoom', 'fast'], run: getset },
  { name: 'getdel', arity: 2, keys: [1, 1, 1], flags: ['write', 'fast'], run: getdel },
  { name: 'mget', arity: -2, keys: [1, -1, 1], flags: ['readonly', 'fast'], run: mget },
  { name: 'mset', arity: -3, keys: [1, -1, 2], flags: ['write', 'denyoom'], run: mset },
  { name: 'strlen', arity: 2, keys: [1, 1, 1], flags: ['readonly', 'fast'], run: strlen },
  { name: 'append', arity: 3, keys: [1, 1, 1], flags: ['write', 'denyoom', 'fast'], run: append },
];
