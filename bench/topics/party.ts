/**
 * One of the two processes of `bench/topics.ts`. `ping` publishes a message of 64 bytes, waits until the
 * other one has answered, and so on; ends with a line of JSON. `pong` answers until it is killed.
 *
 * usage: node party.ts gnet|nats ping|pong NATS_URL [MESSAGES]
 */
import { connect } from '@nats-io/transport-node';
import { serve } from 'gnet';
import { type Subscriber, topics } from 'gnet/topics';
import { natsBackplane } from 'gnet/topics/nats';

const [flavour, role, url = '', count = '2000'] = process.argv.slice(2);
const messages = Number(count);
/** With a tenth of it, what is measured is how long V8 takes to compile what runs often. */
const warmUps = 25_000;
const own = role === 'ping' ? 'pong' : 'ping';
const other = role === 'ping' ? 'ping' : 'pong';
const data = new Uint8Array(64).fill(120);

type Publish = () => void;

/** What comes is given to a subscriber of a running server, as a WebSocket would get it. */
async function throughGnet(heard: () => void): Promise<Publish> {
  const server = await serve({}, 'tcp://127.0.0.1:0');
  const hub = topics(server, { backplane: natsBackplane(url) });
  const subscriber = {
    isOpen: true,
    bufferedAmount: 0,
    send: () => {
      heard();
      return true;
    },
  };
  hub.subscribe(subscriber as unknown as Subscriber, own);
  return () => void hub.publish(other, data);
}

async function throughNatsAlone(heard: () => void): Promise<Publish> {
  const connection = await connect({ servers: url });
  connection.subscribe(`gnet.${own}`, { callback: () => heard() });
  return () => connection.publish(`gnet.${other}`, data);
}

const join = flavour === 'gnet' ? throughGnet : throughNatsAlone;

async function pong(): Promise<void> {
  const publish = await join(() => publish());
}

async function ping(): Promise<void> {
  const times: number[] = [];
  let sent = 0;
  let answered: () => void = () => {};
  const publish = await join(() => {
    times.push(performance.now() - sent);
    answered();
  });
  const roundTrip = (): Promise<boolean> =>
    new Promise((resolve) => {
      answered = () => resolve(true);
      setTimeout(() => resolve(false), 500).unref();
      sent = performance.now();
      publish();
    });
  // The other one may not be there yet, and V8 compiles what runs often: a server lives longer.
  while (!(await roundTrip()));
  for (let index = 0; index < warmUps; index++) await roundTrip();
  times.length = 0;
  for (let index = 0; index < messages; index++) await roundTrip();
  times.sort((a, b) => a - b);
  const at = (part: number): number => (times[Math.floor((times.length - 1) * part)] ?? 0) * 1_000;
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
  process.exit();
}

await (role === 'ping' ? ping() : pong());
