import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:perf_hooks';
import { describe, test } from 'node:test';

interface Run {
  readonly env?: Readonly<Record<string, string>>;
  /** In front of the text of the program. */
  readonly args?: readonly string[];
}

const evaluating = ['--input-type=module', '--eval'];

const module = new URL('./small-collections.ts', import.meta.url).href;
const prelude = `
  import v8 from 'node:v8';
  import vm from 'node:vm';
  import { findSmallCollection } from '${module}';
  const say = (value) => console.log(JSON.stringify(value));
`;

/** What a process of its own says, which has the flags of V8 to itself. */
function run(body: string, { args = evaluating, env = {} }: Run = {}): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, [...args, prelude + body], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', GNET_SMALL_COLLECTIONS: '', ...env },
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

const { bun, deno } = process.versions;
const skip = (bun ?? deno) !== undefined && 'the flags and functions of V8 are as in Node';

describe('small collections', { skip }, () => {
  test('are found, and V8 makes them', () => {
    const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } =
      constants;
    const kinds = run(`
      import { PerformanceObserver } from 'node:perf_hooks';
      const collect = findSmallCollection();
      const kinds = [];
      new PerformanceObserver((list) => {
        for (const { detail } of list.getEntries()) {
          if ((detail.flags & ${forced}) !== 0) kinds.push(detail.kind);
        }
        if (kinds.length < 2) return;
        say(kinds);
        process.exit();
      }).observe({ entryTypes: ['gc'] });
      const answers = [collect({ type: 'minor' }), collect({ type: 'minor' })];
      if (answers.some((answer) => answer !== undefined)) say('promises');
      setInterval(() => {}, 1_000);
    `) as number[];
    // The first one may have ended a full collection that V8 had begun.
    assert.deepEqual([kinds.length, kinds[1]], [2, minor]);
  });

  test('leave the globals and the flags as they are', () => {
    const [before, after, found, here, elsewhere] = run(`
      const before = v8.cachedDataVersionTag();
      const collect = findSmallCollection();
      const after = v8.cachedDataVersionTag();
      say([before, after, typeof collect, 'gc' in globalThis, vm.runInNewContext('typeof gc')]);
    `) as unknown[];
    assert.equal(after, before);
    assert.deepEqual([found, here, elsewhere], ['function', false, 'undefined']);
  });

  test('are found in each thread, whose globals stay as they are, too', () => {
    const body = `
      import { parentPort } from 'node:worker_threads';
      ${prelude}
      const collect = findSmallCollection();
      collect({ type: 'minor' });
      parentPort.postMessage([typeof collect, 'gc' in globalThis]);
    `;
    const found = run(`
      import { Worker } from 'node:worker_threads';
      import { once } from 'node:events';
      findSmallCollection();
      const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(body)}));
      const told = [];
      // One after the other: two at once may be in each other's way.
      for (let count = 0; count < 2; count++) told.push(...await once(new Worker(url), 'message'));
      say(told);
    `);
    const each = ['function', false];
    assert.deepEqual(found, [each, each]);
  });

  test("use the program's gc where it is V8's", () => {
    const body = 'say(findSmallCollection() === globalThis.gc);';
    assert.equal(run(body, { args: ['--expose-gc', ...evaluating] }), true);
  });

  test('do not use what the program calls gc, and leave it there', () => {
    const answers = run(`
      const gcs = [function gc() {}, (function gc() {}).bind(null), Math.max, 7].map((own) => {
        globalThis.gc = own;
        const collect = findSmallCollection();
        return [typeof collect, collect === own, globalThis.gc === own];
      });
      say(gcs);
    `) as unknown[];
    assert.deepEqual(answers, Array(4).fill(['function', false, true]));
  });

  test('do not hide what the program has exposed', () => {
    const answer = run(`
      v8.setFlagsFromString('--expose-gc');
      say([typeof findSmallCollection(), vm.runInNewContext('typeof gc')]);
    `);
    assert.deepEqual(answer, ['function', 'function']);
  });

  test('leave it where the program has exposed it under another name', () => {
    const body = `
      const tag = v8.cachedDataVersionTag();
      const found = findSmallCollection();
      const isSame = v8.cachedDataVersionTag() === tag;
      say([found, vm.runInNewContext('typeof collectNow'), isSame]);
    `;
    const args = ['--expose-gc-as=collectNow', ...evaluating];
    assert.deepEqual(run(body, { args }), [null, 'function', true]);
  });

  test('are left to V8 where the program wants that', () => {
    for (const word of ['0', 'false', 'off', 'no']) {
      const env = { GNET_SMALL_COLLECTIONS: word };
      const args = ['--expose-gc', ...evaluating];
      assert.equal(run('say(findSmallCollection());', { env, args }), null);
    }
  });

  test('are left to V8 where its flags are frozen, which a change would not survive', () => {
    const args = ['--freeze-flags-after-init', ...evaluating];
    assert.equal(run('say(findSmallCollection());', { args }), null);
    // A thread with options of its own does not see those of the process.
    const inThread = `
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const code = \`
        import { parentPort } from 'node:worker_threads';
        import { findSmallCollection } from '${module}';
        parentPort.postMessage(findSmallCollection());
      \`;
      const url = new URL('data:text/javascript,' + encodeURIComponent(code));
      say(await once(new Worker(url, { execArgv: [] }), 'message'));
    `;
    assert.deepEqual(run(inThread, { args }), [null]);
  });

  test('are left to V8 where the program breaks what they need', () => {
    const body = `
      Object.defineProperty(globalThis, 'gc', { get() { throw new Error('no'); } });
      say(findSmallCollection());
    `;
    assert.equal(run(body), null);
  });

  test('are left to V8 in other runtimes, and in programs that embed Node', () => {
    for (const name of ['bun', 'deno', 'electron', 'nw']) {
      const body = `
        const versions = { ...process.versions, ${name}: '1' };
        Object.defineProperty(process, 'versions', { value: versions });
        say(findSmallCollection());
      `;
      assert.equal(run(body), null);
    }
  });

  test('are left to V8 where a way to them fails, and found when it works again', () => {
    const answers = run(`
      const { getBuiltinModule } = process;
      const { setFlagsFromString } = v8;
      const answers = [];
      const found = () => answers.push(typeof findSmallCollection());
      process.getBuiltinModule = () => { throw new Error('no'); };
      found();
      process.getBuiltinModule = getBuiltinModule;
      v8.setFlagsFromString = () => {};
      found();
      v8.setFlagsFromString = () => { throw new Error('no'); };
      found();
      v8.setFlagsFromString = setFlagsFromString;
      found();
      say(answers);
    `);
    assert.deepEqual(answers, ['object', 'object', 'object', 'function']);
  });
});
