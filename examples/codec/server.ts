/**
 * Echoes frames that begin with their length in 4 bytes, big-endian.
 *
 *   npm run example examples/codec/server.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   npm run example examples/codec/client.ts -- --port 9000
 */
import { type Conn, EventServer, type Reply, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from '../lib/flags.ts';
import { FRAME_LENGTH_MAX, frameCodec } from './frame-codec.ts';

class FrameEcho extends EventServer {
  override react(frame: Buffer | null, _conn: Conn): Reply {
    return frame;
  }
}

const flags = readFlags({ port: 9000 });
const server = await serve(new FrameEcho(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: frameCodec(),
  // Room for one frame of the longest kind, each way.
  maxInboundBytes: 2 * FRAME_LENGTH_MAX,
  maxOutboundBytes: 2 * FRAME_LENGTH_MAX,
}).catch(endWithReason);
announce(server, 'tcp');
