/** Keeps the first frame beyond its time and prints what stands there then. */
import { serve } from 'gnet';

const server = await serve(
  {
    react(frame) {
      setTimeout(() => {
        console.log(`frame ${JSON.stringify(frame?.toString('latin1'))}`);
        void server.stop();
      }, 10);
    },
  },
  'tcp://127.0.0.1:0',
);
console.log(`listening on ${server.addr}`);
