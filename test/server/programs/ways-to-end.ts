/** A server on a Unix path, with a connection open, that ends in the way that it is told. */
import { connect } from 'node:net';
import { serve } from 'gnet';

const [way = '', path = ''] = process.argv.slice(2);

const server = await serve(
  {
    react() {
      if (way === 'process.exit in a handler') process.exit(7);
    },
    onOpened() {
      if (way === 'uncaught error in a timer') {
        setTimeout(() => {
          throw new Error('thrown in a timer');
        }, 5);
      }
      if (way === 'unhandled rejection') void Promise.reject(new Error('rejected'));
      if (way === 'returning after stop') void server.stop();
      if (way === 'stop in a signal handler') process.once('SIGTERM', () => void server.stop());
      if (way === 'abort') process.abort();
      console.log('open');
    },
    onShutdown: () => console.log('shutdown'),
  },
  [`unix://${path}`, 'udp://127.0.0.1:0'],
);
const client = connect(path, () => client.write('x'));
client.on('error', () => {});
client.on('end', () => client.end());
