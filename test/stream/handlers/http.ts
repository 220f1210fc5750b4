/** An HTTP server for each loop; it tells which one answered. */
import { createServer } from 'node:http';
import type { LoopContext } from 'gnet';
import { connectionHandler } from 'gnet/stream';

export default ({ loop }: LoopContext) =>
  connectionHandler(createServer((_request, response) => response.end(`loop ${loop}`)));
