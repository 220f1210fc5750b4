/** In a network of its own, with two ends of a veth: what goes to many, and what is too long for the way. */
import { client, GnetError, isMainLoop, type Server, serve } from 'gnet';
import { settle, waitUntil } from '../../support/wait-until.ts';

const [, , set = 'many'] = process.argv;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What is expected has come, or never does; and what else comes has the time to. */
async function arrived(condition: () => boolean): Promise<void> {
  await waitUntil(condition, 'what is expected').catch(() => {});
  await settle();
}

const codeOf = (error: unknown): string =>
  error instanceof GnetError ? error.code : String(error);

async function many(): Promise<void> {
  const server = await serve({ react: () => {} }, ['udp4://:7700', 'udp6://:7701'], {
    numEventLoop: 2,
  });
  if (!isMainLoop) return;
  const udp = { multicastInterface: 'left' };
  const sender = await serve({}, ['udp4://10.77.0.1:0', 'udp6://:0'], { udp });
  const silent = await serve({}, 'udp4://10.77.0.1:0', { udp: { ...udp, multicastLoop: false } });
  await server.joinGroup('239.7.7.7', { interface: 'left' });
  await server.joinGroup('ff15::7', { interface: 'left' });
  const tell = async (name: string, from: Server, to: string, count: number, expected = count) => {
    const received = (): number =>
      server.stats().loops.reduce((sum, loop) => sum + loop.datagramsReceived, 0);
    const before = received();
    for (let sent = 0; sent < count; sent++) await from.sendTo(to, name);
    await arrived(() => received() - before >= expected);
    say(`${name} ${received() - before}`);
  };
  await tell('group', sender, '239.7.7.7:7700', 5);
  await tell('six', sender, '[ff15::7]:7701', 1);
  await tell('not looped', silent, '239.7.7.7:7700', 1, 0);
  await tell('broadcast', sender, '10.77.0.255:7700', 5);
  for (const one of [sender, silent, server]) await one.stop();
}

async function mtu(): Promise<void> {
  let heard = 0;
  const server = await serve({ react: () => void heard++ }, 'udp4://127.0.0.1:7700');
  const cut = await client({});
  (await cut.dial('udp://127.0.0.1:7700')).sendTo(Buffer.alloc(3_000));
  await arrived(() => heard > 0);
  say(`cut ${heard === 1 ? 'arrived' : 'lost'}`);
  await cut.stop();
  const errors: string[] = [];
  const onError = (_c: unknown, error: Error): void => void errors.push(codeOf(error));
  const whole = await client({ onError }, { udp: { dontFragment: true } });
  const c = await whole.dial('udp://127.0.0.1:7700');
  c.sendTo(Buffer.alloc(3_000));
  await arrived(() => errors.length > 0);
  const flushed = await c.flushWrite(Buffer.alloc(3_000)).catch(codeOf);
  say(`whole ${errors.join()} flush ${flushed}`);
  await whole.stop();
  heard = 0;
  const offload = await client({ onError }, { udp: { segmentation: true } });
  const d = await offload.dial('udp://127.0.0.1:7700');
  // Longer than the way takes: segments cannot be, but datagrams that are cut can.
  const taken = d.sendAll([2_000, 2_000, 2_000, 500].map((size) => Buffer.alloc(size)));
  await arrived(() => heard >= taken);
  say(`segments ${heard} of ${taken}`);
  await offload.stop();
  await server.stop();
}

await (set === 'many' ? many() : mtu());
