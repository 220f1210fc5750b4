import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentsBeforeFile, hasSignals, reusePortMissing } from './runtime-features.ts';

test('a port is shared where the kernel spreads what comes, and the runtime knows how', () => {
  for (const [system, version, missing] of [
    ['linux', '22.12.0', null],
    ['linux', '26.10.0', null],
    ['freebsd', '24.0.0', null],
    ['linux', '22.11.0', /Node 22\.12 or newer/],
    ['linux', '23.0.0', /do not know SO_REUSEPORT/],
    ['darwin', '26.10.0', /this system does not spread/],
    ['win32', '26.10.0', /this system does not spread/],
  ] as const) {
    const reason = reusePortMissing(system, version);
    if (missing === null) assert.equal(reason, null, `${system} ${version}`);
    else assert.match(reason ?? '', missing);
  }
});

test('a system has signals if a program can be told something by one', () => {
  assert.equal(hasSignals({ SIGTERM: 15, SIGUSR2: 12 }), true);
  // What Windows knows, all of which end a process or come from its console.
  assert.equal(hasSignals({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGKILL: 9, SIGBREAK: 21 }), false);
});

test('flags are what stands before the file, whatever the program itself was given', () => {
  const command = ['run', '-A', 'main.ts', 'run', '-A'];
  assert.deepEqual(argumentsBeforeFile(command, 2), ['run', '-A']);
  assert.deepEqual(argumentsBeforeFile(['main.ts'], 0), []);
  assert.deepEqual(argumentsBeforeFile([], 0), []);
});
