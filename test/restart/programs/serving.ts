/** What `server.ts` does when nothing is wrong with it. */
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import {
  type Conn,
  type GnetError,
  isMainLoop,
  type RestartOptions,
  type Server,
  serve,
} from 'gnet';
import type { ServerConfig } from './server.ts';

const config = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as ServerConfig;
const say = (line: string): void => {
  if (isMainLoop) process.stdout.write(`${line}\n`);
};

const report =
  (level: string) =>
  (message: string, fields?: object): void => {
    const { err } = (fields ?? {}) as { err?: { code?: string; message?: string } };
    say(`log ${process.pid} ${level} ${message} ${err?.code ?? ''} ${err?.message ?? ''}`);
  };
const logger = {
  debug: () => {},
  info: report('info'),
  warn: report('warn'),
  error: report('error'),
  fatal: report('fatal'),
};

const servers: Server[] = [];

/** Listens elsewhere, or no more; answers with the address, or the code of the error. */
function move(action: string, address: string, c: Conn): void {
  const server = servers[0] as Server;
  const moved = action === 'listen' ? server.listen(address) : server.unlisten(address);
  void moved.then(
    () => c.asyncWrite(`${address}\n`),
    (error: GnetError) => c.asyncWrite(`${error.code}\n`),
  );
}

/** As a signal does, with other limits. */
function restart(options: RestartOptions): void {
  const report = (err: unknown): void =>
    logger.error('the restart failed; this process goes on', { err });
  void (servers[0] as Server).restart(options).catch(report);
}

/** Answers `who` with the process, `stream N` with N bytes, and everything else with itself. */
function answer(frame: Buffer, c: Conn): Buffer | string | void {
  const text = frame.toString('latin1');
  if (text.startsWith('who')) return `${process.pid} ${config.version ?? ''}\n`;
  const [, action, address] = /^(listen|unlisten) (\S+)/.exec(text) ?? [];
  if (action !== undefined) return move(action, address ?? '', c);
  const [, readyTimeout] = /^restart (\d+)/.exec(text) ?? [];
  if (readyTimeout !== undefined) return restart({ readyTimeout: Number(readyTimeout) });
  // No process can be given that much.
  if (text.startsWith('swell')) process.env['SWOLLEN'] = 'x'.repeat(200_000);
  const stream = /^stream (\d+)\n/.exec(text);
  if (stream !== null) {
    c.asyncWrite(Buffer.alloc(Number(stream[1]), 'x'));
    return '\n';
  }
  return frame;
}

const handler = {
  onInitComplete() {
    if (config.fault === 'refuse') throw new Error('refused in onInitComplete');
  },
  react(frame: Buffer | null, c: Conn) {
    return frame === null ? null : answer(frame, c);
  },
  signalClose(c: Conn) {
    c.asyncWrite('bye\n');
  },
};

if (config.fault === 'slow') {
  for (let count = 0; count < 10; count++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.stderr.write(`slow ${process.pid} goes on\n`);
  }
}

for (const [index, addresses] of config.servers.entries()) {
  const server = await serve(handler, addresses, { graceful: true, logger, ...config.options });
  servers.push(server);
  if (config.fault === 'drops' && index === 0) await server.unlisten(server.addr);
  if (config.fault === 'unlistens') {
    await server.unlisten(server.addr);
    throw new Error('it has changed its mind');
  }
  say(`up ${process.pid} ${index} ${server.addrs.join(' ')}`);
  if (isMainLoop && process.env['NODE_COMPILE_CACHE'] !== undefined) flushCompileCache();
  void server.closed.then(() => say(`down ${process.pid} ${index}`));
}
