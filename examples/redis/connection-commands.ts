import { type Call, int64 } from './call.ts';
import { leaveAll } from './channel-commands.ts';
import type { Command } from './command-table.ts';
import { failed, NOT_AN_INTEGER, SYNTAX_ERROR, wrongArity } from './replies.ts';
import type { Session } from './session.ts';

/** What clients compare to find out what a server can do. */
export const REDIS_VERSION = '7.0.15';

const NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';
const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
const BAD_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.';

function ping(call: Call): void {
  if (call.count > 2) return wrongArity(call, 'ping');
  const session = call.session as Session;
  if (session.channels !== null && session.protocol === 2) {
    // A listener of RESP2 takes everything for a message.
    call.reply.arrayHeader(2);
    call.reply.bulkText('pong');
    if (call.count === 2) call.replyWithArgument(1);
    else call.reply.bulkText('');
  } else if (call.count === 2) call.replyWithArgument(1);
  else call.reply.pong();
}

function echo(call: Call): void {
  call.replyWithArgument(1);
}

function select(call: Call): void {
  const index = call.integer(1);
  if (index === null) return call.reply.error(NOT_AN_INTEGER);
  const database = call.store.databases[index];
  if (database === undefined) return call.reply.error('ERR DB index is out of range');
  call.database = database;
  (call.session as Session).database = database;
  call.reply.ok();
}

function quit(call: Call): void {
  call.quits = true;
  call.reply.ok();
}

/** What a browser sends when a page posts to this port: its body must not be taken for commands. */
function attack(call: Call): void {
  call.quits = true;
  call.reply.drop();
}

function reset(call: Call): void {
  const session = call.session as Session;
  leaveAll(call.channels, session);
  session.name = '';
  session.protocol = 2;
  call.reply.protocol = 2;
  session.database = call.store.databases[0] as Session['database'];
  call.database = session.database;
  call.reply.simple('RESET');
}

/** There are no users and no passwords: the one everybody is takes any. */
function auth(call: Call): void {
  if (call.count > 3) return call.reply.error(SYNTAX_ERROR);
  if (call.count === 2) return call.reply.error(NO_PASSWORD);
  if (call.key(1) !== 'default') return call.reply.error(WRONG_PASSWORD);
  call.reply.ok();
}

/** `HELLO [2|3 [AUTH user password] [SETNAME name]]`. */
function hello(call: Call): void {
  const session = call.session as Session;
  const version = call.count > 1 ? readProtocol(call) : session.protocol;
  if (version === null) return;
  const name = readHelloOptions(call);
  if (name === null) return;
  if (name !== undefined) session.name = name;
  session.protocol = version;
  call.reply.protocol = version;
  const { reply } = call;
  reply.mapHeader(7);
  reply.bulkText('server');
  reply.bulkText('redis');
  reply.bulkText('version');
  reply.bulkText(REDIS_VERSION);
  reply.bulkText('proto');
  reply.integer(version);
  reply.bulkText('id');
  reply.integer(session.id);
  reply.bulkText('mode');
  reply.bulkText('standalone');
  reply.bulkText('role');
  reply.bulkText('master');
  reply.bulkText('modules');
  reply.arrayHeader(0);
}

function readProtocol(call: Call): 2 | 3 | null {
  const version = int64(call.key(1));
  if (version === null) {
    return failed(call, 'ERR Protocol version is not an integer or out of range');
  }
  if (version === 2n) return 2;
  if (version === 3n) return 3;
  return failed(call, 'NOPROTO unsupported protocol version');
}

/** The name, if there is one; null after an error was answered. */
function readHelloOptions(call: Call): string | undefined | null {
  let name: string | undefined;
  for (let index = 2; index < call.count; index++) {
    const word = call.word(index);
    if (word === 'auth' && index + 2 < call.count) {
      if (call.key(index + 1) !== 'default') return failed(call, WRONG_PASSWORD);
      index += 2;
    } else if (word === 'setname' && index + 1 < call.count) {
      name = call.key(++index);
      if (!isPlain(name)) return failed(call, BAD_NAME);
    } else return failed(call, `ERR Syntax error in HELLO option '${call.key(index)}'`);
  }
  return name;
}

/** Visible ASCII only: it is shown in lists. */
function isPlain(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

function client(call: Call): void {
  const session = call.session as Session;
  const { reply, count } = call;
  const form = call.word(1);
  if (form === 'id' && count === 2) return reply.integer(session.id);
  if (form === 'getname' && count === 2) {
    if (session.name === '') return reply.nil();
    return reply.bulkKey(session.name);
  }
  if (form === 'setname' && count === 3) {
    if (!isPlain(call.key(2))) return reply.error(BAD_NAME);
    session.name = call.key(2);
    return reply.ok();
  }
  if (form === 'setinfo' && count === 4) return setInfo(call, session);
  if (form === 'info' && count === 2) return reply.verbatim(describe(session));
  // It is never maintained, so there is never a notice; nothing is tracked or evicted either.
  if (
    form === 'maint_notifications' ||
    ((form === 'no-evict' || form === 'no-touch') && count === 3)
  ) {
    return reply.ok();
  }
  const known = ['id', 'getname', 'setname', 'setinfo', 'info', 'no-evict', 'no-touch'];
  if (known.includes(form)) return wrongArity(call, `client|${form}`);
  reply.error(`ERR unknown subcommand '${shortened(call.key(1))}'. Try CLIENT HELP.`);
}

function setInfo(call: Call, session: Session): void {
  const value = call.key(3);
  const attribute = call.word(2);
  if (attribute !== 'lib-name' && attribute !== 'lib-ver') {
    return call.reply.error(`ERR Unrecognized option '${shortened(call.key(2))}'`);
  }
  if (!isPlain(value)) {
    const text = 'cannot contain spaces, newlines or special characters.';
    return call.reply.error(`ERR ${attribute} ${text}`);
  }
  if (attribute === 'lib-name') session.library = value;
  else session.libraryVersion = value;
  call.reply.ok();
}

function shortened(text: string): string {
  return text.slice(0, 128);
}

function describe(session: Session): string {
  const { id, conn, name, protocol, channels, library, libraryVersion } = session;
  const start = `id=${id} addr=${conn.remoteAddr} laddr=${conn.localAddr} fd=${conn.fd}`;
  const end = `lib-name=${library} lib-ver=${libraryVersion}`;
  return `${start} name=${name} sub=${channels?.size ?? 0} resp=${protocol} ${end}\n`;
}

export const connectionCommands: readonly Command[] = [
  { name: 'ping', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: ping },
  { name: 'echo', arity: 2, keys: [0, 0, 0], flags: ['fast'], run: echo },
  { name: 'select', arity: 2, keys: [0, 0, 0], flags: ['fast'], run: select },
  { name: 'quit', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: quit },
  { name: 'post', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: attack },
  { name: 'host:', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: attack },
  { name: 'reset', arity: 1, keys: [0, 0, 0], flags: ['fast'], run: reset },
  { name: 'auth', arity: -2, keys: [0, 0, 0], flags: ['fast'], run: auth },
  { name: 'hello', arity: -1, keys: [0, 0, 0], flags: ['fast'], run: hello },
  { name: 'client', arity: -2, keys: [0, 0, 0], flags: [], run: client },
];
