/** usage: bun bun.js PORT */
const server = Bun.serve({
  port: Number(process.argv[2]),
  hostname: '127.0.0.1',
  fetch(request, own) {
    const data = { isFan: request.url.endsWith('/fan') };
    return own.upgrade(request, { data }) ? undefined : new Response('no', { status: 400 });
  },
  websocket: {
    open(ws) {
      if (ws.data.isFan) ws.subscribe('all');
    },
    message(ws, message) {
      if (ws.data.isFan) server.publish('all', message);
      else ws.send(message);
    },
  },
});
