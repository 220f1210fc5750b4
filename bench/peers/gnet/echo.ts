/**
 * The echo of node:net's peer, over the package: one file and no flags beyond the port, since the start is
 * what is measured.
 *
 * usage: node echo.ts --port PORT
 */
import { serve } from 'gnet';

const port = process.argv[process.argv.indexOf('--port') + 1];
await serve({ react: (frame: Buffer | null) => frame }, `tcp://127.0.0.1:${port}`);
