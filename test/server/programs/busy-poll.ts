/** Serves, and looks for events for half an hour before it sleeps. Arguments: loops, microseconds. */
import { isMainLoop, serve } from 'gnet';

const [loops, busyPoll] = process.argv.slice(2).map(Number);
const options = { numEventLoop: loops ?? 1, busyPoll: busyPoll ?? 0 };
const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', options);
if (isMainLoop) {
  process.once('SIGTERM', () => void server.stop());
  console.log(`listening on ${server.addr}`);
}
