/**
 * Echoes messages over KCP, reliable and in order though the network loses packets.
 *
 *   npm run example examples/kcp-echo.ts -- --port 9000
 */
import { serveKcp } from 'gnet/kcp';
import { announce, endWithReason, readFlags } from './lib/flags.ts';

const flags = readFlags({ host: '127.0.0.1', port: 9000 });
const address = `kcp://${flags.host}:${flags.port}`;
// What KCP calls its fast mode.
const fast = { nodelay: true, interval: 10, resend: 2, nc: true };
const server = await serveKcp({ react: (message) => message }, address, fast).catch(endWithReason);
announce(server, 'kcp');
