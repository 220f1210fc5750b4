/** An app of its own in each loop. */
import { createServer } from 'node:http';
import type { LoopContext } from 'gnet';
import { connectionHandler } from 'gnet/stream';
import { makeApp } from './express-app.ts';

export default ({ server }: LoopContext) => connectionHandler(createServer(makeApp()), { server });
