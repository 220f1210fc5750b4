/** Ports, threads, room for the log, and room in the kernel: what lacks, and that all is well afterwards. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conn, client, GnetError, type Options, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { cpuWhileWaiting, nextLine, say } from './exhaustion-steps.ts';

type Driver = NonNullable<Options['driver']>;

const patienceMs = 15_000;
const links = 4;
const peersOfReaders = 10;
const asksMax = 1_000;
/** More than any range of ports that `exhaustion.ts` gives. */
const dialsMax = 200;
const answerBytes = 200_000;

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    assert.ok(performance.now() < end, what);
    await sleep(5);
  }
}

async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing';
  } catch (error) {
    return error instanceof GnetError ? error.code : `no error of ours: ${error}`;
  }
}

/** No local port is left: a dial says so, links try again, and come when others go. */
async function ports(driver: Driver): Promise<void> {
  const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', { driver });
  let echoes = 0;
  const dialler = await client({ react: () => void echoes++ }, { driver, logLevel: 'silent' });
  const address = `tcp://${server.addr}`;
  const held: Conn[] = [];
  let refusal = '';
  while (refusal === '' && held.length < dialsMax) {
    await dialler.dial(address).then(
      (c) => held.push(c),
      (error: unknown) => {
        refusal = error instanceof GnetError ? error.code : `no error of ours: ${error}`;
      },
    );
  }
  assert.equal(refusal, 'EADDRNOTAVAIL');
  const waiting = Array.from({ length: links }, () => {
    const link = dialler.link(address, { reconnect: { minDelay: 100, maxDelay: 1_000 } });
    link.write('hello');
    return link;
  });
  say({ cpu: await cpuWhileWaiting(), held: held.length });
  assert.equal(echoes, 0);
  for (const c of held) c.reset();
  await until(() => echoes === links, `${echoes} of ${links} links come`);
  for (const link of waiting) link.close();
  await dialler.close();
  await server.close();
}

const module = new URL('../worker/handlers/scenario.ts?scenario=plain', import.meta.url);

/** The user may have no more threads: a start is refused and leaves nothing; a loop that dies stays away. */
async function threads(driver: Driver): Promise<void> {
  const begin = () =>
    serve(module, 'tcp://127.0.0.1:0', { driver, numEventLoop: 2, logLevel: 'silent' });
  say({ wants: 'no threads' });
  await nextLine();
  const refusal = await rejectionOf(begin());
  assert.equal(refusal, 'EAGAIN');
  say({ refusal, cpu: await cpuWhileWaiting(), wants: 'threads' });
  await nextLine();
  const server = await begin();
  const peer = await RawClient.connect(server.addr);
  peer.write('hello');
  await peer.readExactly(5);
  peer.destroy();
  await server.close();
}

/** Descriptors that do not even suffice to start two loops: it works, or an error of ours says why not. */
async function start(driver: Driver): Promise<void> {
  const options = { driver, numEventLoop: 2, logLevel: 'silent' } as const;
  const started = serve(module, 'tcp://127.0.0.1:0', options).then((server) => server.close());
  const refusal = await rejectionOf(started);
  assert.doesNotMatch(refusal, /no error of ours/);
  say({ refusal });
}

/** The disk of the log is full: requests are served, and later lines are whole. */
async function log(driver: Driver): Promise<void> {
  const folder = process.env['GNET_LAB_DISK'] as string;
  const logPath = join(folder, 'log');
  const filler = join(folder, 'filler');
  const options = { driver, logPath, logLevel: 'debug' } as const;
  const handler = {
    react(frame: Buffer | null) {
      const text = String(frame);
      // Errors of one name share a line a second.
      if (text.startsWith('throw')) throw Object.assign(new Error('as asked'), { name: text });
      return frame;
    },
  };
  const server = await serve(handler, 'tcp://127.0.0.1:0', options);
  const warnings: string[] = [];
  process.on('warning', (warning: NodeJS.ErrnoException) => {
    if (warning.code === 'GNET_LOG_FILE') warnings.push(warning.message);
  });
  /** Each makes a line of the log, and one that does not throw gets its answer. */
  const ask = async (count: number): Promise<void> => {
    const bad = await RawClient.connect(server.addr);
    bad.socket.on('end', () => bad.end());
    bad.write(`throw ${count}`);
    await bad.untilClosed();
    const good = await RawClient.connect(server.addr);
    good.write('hello');
    await good.readExactly(5);
    good.destroy();
  };
  await ask(0);
  const { bsize, bavail } = statfsSync(dirname(logPath));
  writeFileSync(filler, Buffer.alloc(bsize * bavail));
  // What is left of the last page takes some lines still.
  for (let count = 1; count < asksMax && warnings.length === 0; count++) await ask(count);
  for (let count = 0; count < links; count++) await ask(asksMax + count);
  say({ cpu: await cpuWhileWaiting() });
  assert.equal(statfsSync(folder).bavail, 0, 'the disk is full');
  assert.equal(warnings.length, 1, `one warning: ${warnings}`);
  rmSync(filler);
  const before = readFileSync(logPath, 'utf8');
  await ask(-1);
  await server.close();
  const after = readFileSync(logPath, 'utf8');
  assert.ok(after.startsWith(before) && after.length > before.length, 'the log goes on');
  // A line that met the end of the disk may be cut; those of afterwards are not.
  for (const line of after.slice(before.length).split('\n').slice(1, -1)) JSON.parse(line);
}

/** Buffers of the kernel as small as it allows, and peers that take nothing for a while. */
async function readers(driver: Driver): Promise<void> {
  const answer = Buffer.alloc(answerBytes, 'answer of a server that has no room ');
  const hash = createHash('sha256').update(answer).digest('hex');
  const server = await serve({ react: () => answer }, 'tcp://127.0.0.1:0', {
    driver,
    socketSendBuffer: 1,
    socketRecvBuffer: 1,
  });
  const peers: Socket[] = [];
  for (let count = 0; count < peersOfReaders; count++) {
    const peer = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
    await once(peer, 'connect');
    peer.pause();
    peer.write('hello');
    peers.push(peer);
  }
  say({ cpu: await cpuWhileWaiting() });
  const hashes = peers.map(async (peer) => {
    const sum = createHash('sha256');
    let bytes = 0;
    peer.on('data', (piece: Buffer) => {
      sum.update(piece);
      bytes += piece.length;
      if (bytes === answerBytes) peer.end();
    });
    peer.resume();
    await once(peer, 'close');
    return sum.digest('hex');
  });
  assert.deepEqual(
    await Promise.all(hashes),
    Array.from({ length: peersOfReaders }, () => hash),
  );
  await server.close();
}

export const lackOf: Readonly<Record<string, (driver: Driver) => Promise<void>>> = {
  ports,
  threads,
  start,
  log,
  readers,
};
