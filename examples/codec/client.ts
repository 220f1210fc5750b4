/**
 * Sends `hello` and `world` to `examples/codec/server.ts` and prints what comes back.
 *
 *   npm run example examples/codec/client.ts -- --port 9000
 */
import { type Conn, client, EventServer } from 'gnet';
import { readFlags } from '../lib/flags.ts';
import { frameCodec } from './frame-codec.ts';

const words = ['hello', 'world'];
let received = 0;

class PrintEchoes extends EventServer {
  override onOpened(conn: Conn): void {
    for (const word of words) conn.asyncWrite(word);
  }

  override react(frame: Buffer | null, conn: Conn): void {
    console.log(String(frame));
    if (++received === words.length) conn.end();
  }

  override onClosed(): void {
    void dialler.stop();
    if (received === words.length) return;
    console.error(`The server closed after ${received} of ${words.length} echoes`);
    process.exitCode = 1;
  }
}

const flags = readFlags({ port: 9000 });
const dialler = await client(new PrintEchoes(), { codec: frameCodec() });
try {
  await dialler.dial(`tcp://127.0.0.1:${flags.port}`);
} catch (error) {
  console.error(`Cannot talk to the server: ${(error as Error).message}`);
  process.exitCode = 1;
  await dialler.stop();
}
