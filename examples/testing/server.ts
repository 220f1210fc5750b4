/**
 * Serves the chat of chat-rooms.ts, which chat-rooms.test.ts tests without a socket.
 *
 *   npm run example examples/testing/server.ts -- --port 9000
 *
 * Then, in several terminals:
 *
 *   nc 127.0.0.1 9000
 */
import { serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from '../lib/flags.ts';
import { ChatRooms, lines } from './chat-rooms.ts';

const flags = readFlags({ port: 9000 });
const server = await serve(new ChatRooms(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: lines,
}).catch(endWithReason);
announce(server, 'tcp');
