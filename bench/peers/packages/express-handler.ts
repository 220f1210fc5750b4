/** An app of its own in each loop. */
import { createServer } from 'node:http';
import { connectionHandler } from 'gnet/stream';
import { makeApp } from './express-app.ts';

export default () => connectionHandler(createServer(makeApp()));
