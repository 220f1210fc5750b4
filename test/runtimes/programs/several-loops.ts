/** Tries to serve with several loops over TCP and UDP, and says what it is told. */
import { serve } from 'gnet';

const module = new URL('../../worker/handlers/echo.ts', import.meta.url);
for (const address of ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0']) {
  try {
    const server = await serve(module, address, { numEventLoop: 2 });
    console.log(`serving ${server.addr}`);
    await server.stop();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    console.log(`${code}: ${message}`);
  }
}
