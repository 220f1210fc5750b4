/** A thread without a loop of a server reaches its loops, also one that took another's place. */
import { connect, type Socket } from 'node:net';
import { type GnetError, isMainLoop, loopIndex, type Server, serve } from 'gnet';

const logger = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
let second: Server | undefined;

/** What became of a write to that connection of the second server, and how many it has. */
async function writeTo(id: number): Promise<string> {
  if (second === undefined) return 'not yet';
  try {
    await second.conn(id).write('written');
    return `written, ${second.countConnections()} there`;
  } catch (error) {
    return (error as GnetError).code;
  }
}

const first = await serve(
  { onOpened: () => `${loopIndex}`, react: (frame) => writeTo(Number(frame)) },
  'tcp://127.0.0.1:0',
  { numEventLoop: 3, logger },
);
second = await serve(
  { onOpened: (c) => `${loopIndex} ${c.id}`, react: () => process.exit(3) },
  'tcp://127.0.0.1:0',
  { numEventLoop: 2, logger },
);

function heard(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const hear = (data: unknown): void => {
      socket.off('data', hear).off('close', hear);
      resolve(Buffer.isBuffer(data) ? String(data) : '');
    };
    socket.on('data', hear).on('close', hear);
  });
}

/** A connection in that loop, and what it was told. */
async function landIn(loop: number, { addr }: Server): Promise<[Socket, string]> {
  for (;;) {
    const socket = connect(Number(addr.split(':')[1]), '127.0.0.1').on('error', () => {});
    const said = await heard(socket);
    if (said.startsWith(`${loop}`)) return [socket, said];
    socket.destroy();
  }
}

if (isMainLoop) {
  const [doomed] = await landIn(1, second);
  const closed = new Promise((resolve) => doomed.once('close', resolve));
  doomed.resume().write('die');
  await closed;
  const [successor, told] = await landIn(1, second);
  const [asking] = await landIn(2, first);
  const id = told.slice(2);
  let said = '';
  // The thread hears of it a little later; connections that were tried out above end meanwhile.
  for (let tries = 0; tries < 1_000 && said !== 'written, 1 there'; tries++) {
    asking.write(id);
    said = await heard(asking);
  }
  console.log(said);
  for (const socket of [successor, asking]) socket.destroy();
  await Promise.all([first.stop(), second.stop()]);
}
