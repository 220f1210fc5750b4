/** An HTTP server for each loop that was told of no server: what its close throws is the answer. */
import { createServer } from 'node:http';
import { connectionHandler } from 'gnet/stream';

export default () => {
  const http = createServer((_request, response) => {
    try {
      http.close();
    } catch (error) {
      response.end(`${(error as NodeJS.ErrnoException).code} ${http.listening}`);
    }
  });
  return connectionHandler(http);
};
