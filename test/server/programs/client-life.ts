/** A program whose only reason to live is a client, which it stops when the line `stop` comes. */
import { client } from 'gnet';

const open = await client({ onShutdown: () => console.log('shutdown') });
console.log('client is open');
process.stdin.once('data', () => {
  process.stdin.destroy();
  setTimeout(() => void open.stop(), 50);
});
// Nothing else keeps the process: standard input does not, once it is not waited for.
process.stdin.unref();
