/** Errnos that the kernel gives rarely, or never, given by strace: what a loop makes of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { driverName, refusalOf } from '../support/driver.ts';
import { nodeFlags, Program } from '../support/program.ts';

const injects = spawnSync('strace', ['-qq', '-e', 'inject=getppid:error=EIO', 'true']);
const noStrace = injects.status !== 0 && 'strace is not there, or may not attach';

const all = [0, 1, 2].map((round) => (driver: string) => {
  return `round ${round}: 50 echoes over ${driver}, 0 forced`;
});

/** What is injected, by driver; the calls of the runtime have other names. */
const injections = {
  epoll: [
    'epoll_wait:error=EIO:when=3+5',
    'epoll_wait:error=ENOMEM:when=2+3',
    'recvfrom:error=EIO:when=1+2',
    'recvfrom:error=ECONNRESET:when=1+2',
    'recvfrom:error=ENOBUFS:when=1+2',
    'sendto:error=EIO:when=1+2',
    'sendto:error=ENOBUFS:when=1+2',
  ],
  io_uring: [
    // Not io_uring_enter: the runtime's own loop makes it, too, and ends the process.
    // Every second one unregisters the buffers.
    'io_uring_register:error=EINVAL:when=2+2',
  ],
} as const;

/** A lack that the first server meets, and the code that it is told of it. */
const passingLacks = {
  epoll: ['socket:error=EMFILE:when=1'],
  io_uring: ['socketpair:error=EMFILE:when=1', 'io_uring_register:error=ENOMEM:when=1'],
} as const;

for (const driver of ['epoll', 'io_uring'] as const) {
  const refusal = await refusalOf(driver);
  const other = driverName !== driver && 'it has a run of its own';
  const skip = noStrace || refusal || other;

  describe(`injected into ${driver}`, { skip }, () => {
    const run = async (
      t: Parameters<NonNullable<Parameters<typeof test>[0]>>[0],
      inject: string,
    ) => {
      const name = inject.split(':')[0];
      const file = 'test/server/programs/echo-under-injection.ts';
      const tracing = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${name}`];
      const args = [...tracing, '-e', `inject=${inject}`, process.execPath, ...nodeFlags];
      const program = new Program(t, 'strace', [...args, file, driver], {});
      const { code, output } = await program.ending();
      assert.equal(code, 0, output);
      return output.trim().split('\n');
    };

    for (const inject of injections[driver]) {
      test(`${inject} ends nothing`, async (t) => {
        const lines = await run(t, inject);
        assert.deepEqual(lines, [...all.map((line) => line(driver)), 'done']);
      });
    }

    for (const inject of passingLacks[driver]) {
      test(`${inject} is not remembered`, async (t) => {
        const lines = await run(t, inject);
        assert.equal(lines[0], 'round 0: ErrUnsupportedPlatform');
        assert.deepEqual(lines.slice(1), [...all.slice(1).map((line) => line(driver)), 'done']);
      });
    }
  });
}
