/**
 * A mail server that takes nothing but the greeting: it shows how a connection that begins in clear
 * becomes one with TLS (STARTTLS).
 *
 *   npm run example examples/starttls.ts -- --port 2525 --tls cert.pem,key.pem
 *
 * Then, in another terminal:
 *
 *   openssl s_client -starttls smtp -connect 127.0.0.1:2525
 */
import { type Conn, EventServer, isMainLoop, LineBasedFrameCodec, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ port: 2525 });
const { tls, ...options } = serveOptions(flags);

class Greeter extends EventServer {
  override onOpened(): string {
    return '220 example.test ESMTP\r\n'; // not encoded: it stands in front of the first frame
  }

  override react(line: Buffer | null, c: Conn): string | null {
    const [command = ''] = String(line).trim().split(' ', 1);
    switch (command.toUpperCase()) {
      case 'EHLO':
        return c.tls === undefined ? '250-example.test\r\n250 STARTTLS\r' : '250 example.test\r';
      case 'STARTTLS':
        return this.#startTls(c);
      case 'QUIT':
        c.asyncWrite('221 goodbye\r');
        c.close();
        return null;
      default:
        return '502 not here\r';
    }
  }

  /** The answer goes out in clear; the next bytes are the handshake, also those that are here already. */
  #startTls(c: Conn): string {
    if (tls === undefined) return '454 start the server with --tls\r';
    if (c.tls !== undefined) return '503 we speak TLS already\r';
    c.upgradeTls(tls).catch((error: Error) => console.error(error.message));
    return '220 go ahead\r';
  }
}

const server = await serve(new Greeter(), `tcp://${flags.host}:${flags.port}`, {
  ...options,
  codec: new LineBasedFrameCodec(),
}).catch(endWithReason);
announce(server, 'tcp');
const port = server.addr.slice(server.addr.lastIndexOf(':') + 1);
if (isMainLoop) {
  console.log(`Try it:  openssl s_client -starttls smtp -connect 127.0.0.1:${port}`);
}
