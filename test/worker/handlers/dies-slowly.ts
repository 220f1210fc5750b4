/** Says its loop; 'die' ends the thread, which stays for as long as a file is there, its loop closed. */
import { existsSync, rmSync } from 'node:fs';
import type { EventHandler, LoopContext } from 'gnet';

const parameters = new URL(import.meta.url).searchParams;
const hold = parameters.get('hold');
const hasClosed = parameters.get('closed');

const pause = new Int32Array(new SharedArrayBuffer(4));
let dies = false;
// Behind the framework's own, which closes the loop.
process.on('exit', () => {
  if (!dies || hold === null || hasClosed === null) return;
  rmSync(hasClosed);
  while (existsSync(hold)) Atomics.wait(pause, 0, 0, 1);
});

export default ({ loop }: LoopContext): EventHandler => ({
  onOpened: () => `${loop}`,
  react() {
    dies = true;
    process.exit(3);
  },
});
