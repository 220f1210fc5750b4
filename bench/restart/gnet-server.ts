/** Echo that restarts on SIGUSR2. */
import { type Conn, serve } from 'gnet';

const handler = {
  react: (frame: Buffer | null) => frame,
  signalClose: (c: Conn) => void c.asyncWrite('bye\n'),
};
const server = await serve(handler, 'tcp://127.0.0.1:0', { graceful: true });
console.log(`up ${process.pid} ${server.addr}`);
