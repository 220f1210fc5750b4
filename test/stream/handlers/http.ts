/** An HTTP server for each loop; it tells which one answered, and is closed by a request for `/close`. */
import { createServer } from 'node:http';
import type { LoopContext } from 'gnet';
import { connectionHandler } from 'gnet/stream';

export default ({ loop, server }: LoopContext) => {
  const http = createServer((request, response) => {
    const { listening } = http;
    if (request.url === '/close') http.close();
    response.end(`loop ${loop}${listening ? '' : ' does not listen'}`);
  });
  return connectionHandler(http, { server });
};
