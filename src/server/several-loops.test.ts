import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import { resolveOptions } from './options.ts';
import { loopsThatCanListen, whyOneLoop } from './several-loops.ts';

const tcp: Endpoint = { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 };
const unix: Endpoint = { kind: 'unix', path: 'gnet.sock' };
const refusal = 'a path belongs to one socket';
const anywhere = {} as Backend;
const notOnPaths = {
  oneLoopBecause: (kind) => (kind === 'unix' ? refusal : null),
} as Pick<Backend, 'oneLoopBecause'> as Backend;

const loopsOf = (given: object, backend: Backend, endpoints: readonly Endpoint[]): number => {
  const machine = { cpuCount: () => 8, systemBacklog: () => 128 };
  return loopsThatCanListen(resolveOptions(given, machine), backend, endpoints).numEventLoop;
};

test('multicore is one loop where several cannot listen on one of the addresses', () => {
  const multicore = { multicore: true };
  assert.equal(loopsOf(multicore, anywhere, [tcp, unix]), 8);
  assert.equal(loopsOf(multicore, notOnPaths, [tcp]), 8);
  assert.equal(loopsOf(multicore, notOnPaths, [tcp, unix]), 1);
  assert.equal(whyOneLoop(notOnPaths, [tcp, unix]), refusal);
  assert.equal(whyOneLoop(notOnPaths, [tcp]), null);
});

test('a number that the program named stays, whatever can listen', () => {
  assert.equal(loopsOf({ numEventLoop: 2 }, notOnPaths, [unix]), 2);
  assert.equal(loopsOf({ multicore: true, loopNum: 3 }, notOnPaths, [unix]), 3);
  assert.equal(loopsOf({}, notOnPaths, [unix]), 1);
});
