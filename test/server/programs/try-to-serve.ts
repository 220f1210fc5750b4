/** Serves on the address it is given, or prints as JSON why it may not. */
import { GnetError, serve } from 'gnet';
import { openDescriptors } from '../../support/descriptors.ts';

const address = process.argv[2] ?? '';
await (await serve({}, 'tcp://127.0.0.1:0')).close();
const before = new Set(openDescriptors());
try {
  const server = await serve({ react: (frame) => frame }, address);
  console.log(`listening on ${server.addr}`);
} catch (error) {
  if (!(error instanceof GnetError)) throw error;
  const { code, syscall, message } = error;
  const newDescriptors = openDescriptors().filter((one) => !before.has(one));
  const seen = { code, syscall, address: error.address, message, newDescriptors };
  console.log(`refused ${JSON.stringify(seen)}`);
}
