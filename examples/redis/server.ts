import { Action, type Conn, EventServer, type Reply, type TickReply } from 'gnet';
import { Call } from './call.ts';
import { leaveAll } from './channel-commands.ts';
import type { CommandBatch } from './command-batch.ts';
import type { Command } from './command-table.ts';
import { wrongArity } from './replies.ts';
import { RespCodec } from './resp-codec.ts';
import { commands } from './server-commands.ts';
import { Session } from './session.ts';
import type { Database } from './store.ts';

/** Of a name, and of all arguments together, that are repeated in an error. */
const SHOWN_MAX = 128;
/** What a listener of RESP2 may still say. */
const FOR_LISTENERS: readonly string[] = ['subscribe', 'unsubscribe', 'ping', 'quit', 'reset'];
const SWEEP_INTERVAL_MS = 1_000;

/** Answers all commands of a frame at once. `codec` must be the codec of the server it serves. */
export class RedisServer extends EventServer {
  readonly codec = new RespCodec();
  readonly #call = new Call();
  #lastId = 0;

  override onOpened(conn: Conn): void {
    const first = this.#call.store.databases[0] as Database;
    conn.context = new Session(++this.#lastId, conn, first);
  }

  override onClosed(conn: Conn): void {
    leaveAll(this.#call.channels, conn.context as Session);
  }

  override tick(): TickReply {
    this.#call.store.sweep(Date.now());
    return SWEEP_INTERVAL_MS;
  }

  override react(frame: Buffer | null, conn: Conn): Reply {
    if (frame === null) return;
    const batch = this.codec.batch;
    if (!batch.isFresh) throw new Error("Cannot answer: the frame is not of this handler's codec");
    batch.isFresh = false;
    const call = this.#call;
    const session = conn.context as Session;
    call.session = session;
    call.database = session.database;
    call.clock.restart();
    call.reply.begin(conn);
    call.reply.protocol = session.protocol;
    const quits = this.#runAll(batch);
    if (batch.protocolError !== null && !quits) {
      call.reply.error(`ERR Protocol error: ${batch.protocolError}`);
    }
    const reply = call.reply.end();
    call.session = null;
    if (!quits && batch.protocolError === null) return reply;
    this.codec.endStream(conn);
    return [reply, Action.Close];
  }

  /** True when a command ended the connection: the ones after it are not run. */
  #runAll(batch: CommandBatch): boolean {
    const call = this.#call;
    const { bytes, offsets, commandEnds, count } = batch;
    let first = 0;
    for (let index = 0; index < count; index++) {
      const end = commandEnds[index] as number;
      call.begin(bytes, offsets, first, end - first);
      this.#run(call);
      first = end;
      if (call.quits) {
        call.quits = false;
        return true;
      }
    }
    return false;
  }

  #run(call: Call): void {
    const command = commands.find(call.bytes, call.start(0), call.end(0));
    if (command === null) return unknownCommand(call);
    const { arity } = command;
    if (arity >= 0 ? call.count !== arity : call.count < -arity) {
      return wrongArity(call, command.name);
    }
    const session = call.session as Session;
    if (session.channels !== null && session.protocol === 2) runForListener(call, command);
    else command.run(call);
  }
}

function runForListener(call: Call, command: Command): void {
  const { name } = command;
  if (FOR_LISTENERS.includes(name)) return command.run(call);
  const allowed = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET';
  call.reply.error(`ERR Can't execute '${name}': only ${allowed} are allowed in this context`);
}

function unknownCommand(call: Call): void {
  const name = call.key(0).slice(0, SHOWN_MAX);
  let shown = '';
  for (let index = 1; index < call.count && shown.length < SHOWN_MAX; index++) {
    shown += `'${call.key(index).slice(0, SHOWN_MAX - shown.length)}' `;
  }
  call.reply.error(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}
