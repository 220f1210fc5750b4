import { Action, type Conn, EventServer, type Reply, type TickReply } from 'gnet';
import { Call } from './call.ts';
import type { CommandBatch } from './command-batch.ts';
import { RespCodec } from './resp-codec.ts';
import { commands, wrongArity } from './server-commands.ts';
import type { Database } from './store.ts';

/** Of a name that is repeated in an error; the rest is left out. */
const NAME_SHOWN_MAX = 64;
const SWEEP_INTERVAL_MS = 1_000;

/** Answers all commands of a frame at once. `codec` must be the codec of the server it serves. */
export class RedisServer extends EventServer {
  readonly codec = new RespCodec();
  readonly #call = new Call();

  override onOpened(conn: Conn): void {
    conn.context = this.#call.store.databases[0];
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
    call.conn = conn;
    call.database = conn.context as Database;
    call.clock.restart();
    call.reply.begin(conn);
    const quits = this.#runAll(batch);
    if (batch.protocolError !== null && !quits) {
      call.reply.error(`ERR Protocol error: ${batch.protocolError}`);
    }
    const reply = call.reply.end();
    call.conn = null;
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
    if (command === null) {
      const name = call.key(0).slice(0, NAME_SHOWN_MAX);
      return call.reply.error(`ERR unknown command '${name}'`);
    }
    const { arity } = command;
    if (arity >= 0 ? call.count !== arity : call.count < -arity) {
      return wrongArity(call, command.name);
    }
    command.run(call);
  }
}
