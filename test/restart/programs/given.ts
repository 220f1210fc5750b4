/** Serves on the address given, and says what came of it. With names it was given descriptors by systemd. */
import { type Conn, GnetError, serve } from 'gnet';

const [address = '', names] = process.argv.slice(2);
if (names !== undefined) {
  process.env['LISTEN_PID'] = String(process.pid);
  process.env['LISTEN_FDS'] = String(names.split(':').length);
  process.env['LISTEN_FDNAMES'] = names;
}
const react = (frame: Buffer | null, c: Conn) =>
  frame === null ? null : `${c.localAddr} ${frame}`;

try {
  const server = await serve({ react }, address);
  process.once('SIGTERM', () => void server.stop());
  console.log(`up ${server.addrs.join(' ')} ${process.env['LISTEN_FDS'] ?? 'unset'}`);
} catch (error) {
  if (!(error instanceof GnetError)) throw error;
  console.log(`refused ${error.code} ${error.message}`);
}
