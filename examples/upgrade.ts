/**
 * A line protocol that turns into another one: `ECHO text` answers the text, `BINARY` answers `OK`, and
 * from then on both sides send frames with their length in 2 bytes in front.
 *
 *   npm run example examples/upgrade.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   (printf 'ECHO hello\nBINARY\n\0\005world'; sleep 1) | nc -N 127.0.0.1 9000 | od -c
 */
import { Action, type Conn, EventServer, serve } from 'gnet';
import { LengthFieldBasedFrameCodec, LineBasedFrameCodec } from 'gnet/codec';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const LENGTH_MAX = 0xffff;
const lines = new LineBasedFrameCodec({ maxFrameLength: 1024, stripCarriageReturn: true });
const frames = new LengthFieldBasedFrameCodec(
  { lengthFieldLength: 2 },
  { lengthFieldLength: 2, initialBytesToStrip: 2 },
);

/** What a connection has in common before the upgrade and after it. */
interface Session {
  lines: number;
}

/** Knows frames only; one serves all connections that have been upgraded. */
class BinaryHandler extends EventServer<Buffer, Session> {
  override react(frame: Buffer | null, _conn: Conn<Session>) {
    return frame;
  }
  override onClosed(conn: Conn<Session>): void {
    console.log(`${conn.remoteAddr} left after ${conn.context.lines} lines and binary frames`);
  }
}
const binary = new BinaryHandler();

class LineHandler extends EventServer<Buffer, Session> {
  override onOpened(conn: Conn<Session>): void {
    conn.context = { lines: 0 };
  }

  override react(line: Buffer | null, conn: Conn<Session>) {
    conn.context.lines++;
    const text = String(line);
    if (text.startsWith('ECHO ')) return text.slice(5);
    if (text !== 'BINARY') return ['ERROR', Action.Close] as const;
    conn.asyncWrite('OK'); // still a line
    // Bytes behind this line that have arrived already are the first of the new protocol.
    conn.setCodec(frames);
    conn.setHandler(binary);
    return null;
  }

  override onClosed(conn: Conn<Session>): void {
    console.log(`${conn.remoteAddr} left after ${conn.context.lines} lines`);
  }
}

const flags = readFlags({ port: 9000 });
const server = await serve(new LineHandler(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: lines,
  maxInboundBytes: 4 * LENGTH_MAX,
}).catch(endWithReason);
announce(server, 'tcp');
