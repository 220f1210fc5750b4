/** What is bundled: several loops in both modes, a pool, and a line of the log. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';
import { isMainLoop, type Server, serve } from 'gnet';
import { WorkerPool } from 'gnet/pool';

const here = typeof __filename === 'string' ? pathToFileURL(__filename).href : import.meta.url;
const extension = here.slice(here.lastIndexOf('.'));
const beside = (name: string): URL => new URL(`./${name}${extension}`, here);
const options = { numEventLoop: 2 };

async function ask(server: Server, text: string): Promise<string> {
  const socket = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
  socket.on('error', () => {}).write(text);
  const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer];
  socket.destroy();
  return Buffer.isBuffer(answer) ? String(answer) : 'closed';
}

async function main(): Promise<void> {
  const server = await serve(
    {
      react(frame) {
        if (String(frame) === 'throw') throw new RangeError('thrown by the handler');
        return frame;
      },
    },
    'tcp://127.0.0.1:0',
    options,
  );
  if (!isMainLoop) return;
  const answers = [await ask(server, 'program'), await ask(server, 'throw')];
  try {
    const module = await serve(beside('handler'), 'tcp://127.0.0.1:0', options);
    answers.push(await ask(module, 'x'));
    await module.stop();
  } catch (error) {
    answers.push((error as Error).message);
  }
  const pool = new WorkerPool(beside('work'), { threads: 1 });
  try {
    answers.push(String(await pool.submit(21)));
  } catch (error) {
    answers.push((error as Error).message);
  }
  await pool.close();
  await server.stop();
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}

void main();
