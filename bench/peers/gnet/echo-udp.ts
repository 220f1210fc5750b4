/**
 * The datagram echo of the other peers: of one address, and without a look at who asks. The example looks,
 * as a server on the Internet must, and that is most of what it costs beyond an echo.
 *
 * usage: node echo-udp.ts --port PORT
 */
import { serve } from 'gnet';

const port = process.argv[process.argv.indexOf('--port') + 1];
await serve({ react: (frame: Buffer | null) => frame }, `udp://127.0.0.1:${port}`);
