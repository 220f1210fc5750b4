/**
 * Serves an echo with each driver that is asked for, one after the other, and prints a line for each:
 * what was taken and refused, or why not. Arguments: names of drivers.
 */
import net from 'node:net';
import { EventServer, GnetError, type Options, serve } from 'gnet';

class Echo extends EventServer {
  override react(frame: Buffer | null) {
    return frame;
  }
}

async function echo(address: string): Promise<string> {
  const socket = net.connect(Number(address.split(':').at(-1)), '127.0.0.1');
  socket.end('through the server');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

async function attempt(driver: NonNullable<Options['driver']>): Promise<object> {
  try {
    const server = await serve(new Echo(), 'tcp://127.0.0.1:0', { driver, logLevel: 'info' });
    const answer = await echo(server.addr);
    await server.stop();
    const refused = server.stats().driversRefused;
    return { asked: driver, driver: server.driver, answer, refused };
  } catch (error) {
    if (!(error instanceof GnetError)) throw error;
    return { asked: driver, code: error.code, message: error.message };
  }
}

for (const driver of process.argv.slice(2)) {
  console.log(JSON.stringify(await attempt(driver as NonNullable<Options['driver']>)));
}
