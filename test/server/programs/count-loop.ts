/** Echoes; answers `stats` with the counters of its loop as one line of JSON. */
import { type Server, serve } from 'gnet';

const server: Server = await serve(
  {
    react(frame) {
      if (frame?.toString() !== 'stats') return frame;
      return `${JSON.stringify(server.stats().loops[0])}\n`;
    },
  },
  process.argv[2] ?? 'tcp://127.0.0.1:0',
);
process.once('SIGTERM', () => void server.stop());
console.log(`listening on ${server.addr}`);
