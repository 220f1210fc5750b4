/**
 * Echoes messages over KCP, reliable and in order though the network loses packets.
 *
 *     node examples/kcp-echo.ts --port 9000
 */
import { parseArgs } from 'node:util';
import { serveKcp } from 'gnet/kcp';

const { values } = parseArgs({ options: { port: { type: 'string', default: '9000' } } });

const server = await serveKcp({ react: (message) => message }, `kcp://127.0.0.1:${values.port}`, {
  nodelay: true,
  interval: 10,
  resend: 2,
  nc: true,
});
process.stdout.write(
  `kcp-echo is listening on kcp://${server.addr} (multi-cores: false, loops: 1)\n`,
);
process.once('SIGINT', () => void server.stop());
process.once('SIGTERM', () => void server.stop());
