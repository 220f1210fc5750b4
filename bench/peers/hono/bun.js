/** usage: bun bun.js PORT */
import app from './app.js';

Bun.serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' });
