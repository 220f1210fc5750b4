/** An echo whose limits are short; 'big' is answered with 8 MiB. Says who was closed, and why. */
import { isMainLoop, serve } from 'gnet';

const limitMs = 500;
const big = Buffer.alloc(8_388_608, 'b');

const server = await serve(
  {
    react: (frame) => (String(frame) === 'big' ? big : frame),
    onClosed: (_c, error) =>
      console.log(`closed ${(error as { code?: string })?.code ?? 'in order'}`),
  },
  'tcp://127.0.0.1:0',
  {
    numEventLoop: Number(process.argv[2]),
    idleTimeout: limitMs,
    readTimeout: limitMs,
    writeTimeout: limitMs,
    logLevel: 'silent',
  },
);
if (isMainLoop) console.log(`listening ${server.addr}`);
