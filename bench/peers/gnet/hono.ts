/** usage: node hono.ts --port PORT */
import { type FetchHandler, serveHttp } from 'gnet/http';

// The same file as for the others, which is JavaScript.
const { default: app } = (await import(new URL('../hono/app.js', import.meta.url).href)) as {
  readonly default: FetchHandler;
};
await serveHttp(app, `tcp://127.0.0.1:${process.argv[process.argv.indexOf('--port') + 1]}`);
