/** usage: deno run --allow-all --node-modules-dir=manual deno.js PORT */
import app from './app.js';

Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.args[0]), onListen() {} }, app.fetch);
