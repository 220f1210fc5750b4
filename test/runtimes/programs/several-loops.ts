/** Tries to serve with two loops, and with as many as there are CPUs, and says what it is told. */
import { serve } from 'gnet';

const module = new URL('../../worker/handlers/echo.ts', import.meta.url);
const warnings: string[] = [];
const warn = (message: string, fields: { readonly reason?: string }): void => {
  if (fields.reason !== undefined) warnings.push(`${message}: ${fields.reason}`);
};
const logger = { debug() {}, info() {}, warn, error: console.error };

for (const address of ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0']) {
  for (const wanted of [{ numEventLoop: 2 }, { multicore: true }]) {
    try {
      const server = await serve(module, address, { ...wanted, logger });
      console.log(`loops: ${server.numEventLoop}`);
      await server.stop();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      console.log(`${code}: ${message}`);
    }
  }
}
for (const warning of warnings) console.log(warning);
