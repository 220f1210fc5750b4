/** A body that is read fast lets the other connections of the loop have their turn. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TestScope } from '../support/rig.ts';
import { identity } from '../tls/tls-rig.ts';
import { type HttpRig, startHttp } from './http-rig.ts';

const PIECE = 128 * 1024;
/** Before and behind a look at it a body may leave once, up to 2 MiB and a piece each. */
const MOST_BETWEEN_LOOKS = 2 * (2 * 1024 * 1024 + PIECE);

/** Counts what leaves between two looks, one in each turn of the loop. */
class Looks {
  most = 0;
  #bytes = 0;
  #next: NodeJS.Immediate;

  constructor() {
    const look = (): void => {
      this.most = Math.max(this.most, this.#bytes);
      this.#bytes = 0;
      this.#next = setImmediate(look);
    };
    this.#next = setImmediate(look);
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }

  stop(): void {
    clearImmediate(this.#next);
  }
}

/** Never ends: who reads it says when it is enough. */
function endless(looks: Looks): Response {
  const piece = new Uint8Array(PIECE).fill(7);
  return new Response(
    new ReadableStream({
      pull(controller) {
        looks.count(PIECE);
        controller.enqueue(piece);
      },
    }),
  );
}

/** Reads in a process of its own, which the kernel runs beside this one. */
async function readBeside(t: TestScope, url: string): Promise<void> {
  const program = fileURLToPath(new URL('programs/reader.mjs', import.meta.url));
  const reader = fork(program, [url], { execArgv: [] });
  t.after(() => reader.kill());
  const [said] = await Promise.race([once(reader, 'message'), once(reader, 'exit')]);
  assert.equal(said, 'enough');
}

describe('a body without an end that is read fast', () => {
  for (const scheme of ['http', 'https']) {
    test(`leaves in parts, over ${scheme}`, async (t) => {
      const looks = new Looks();
      t.after(() => looks.stop());
      const isSecure = scheme === 'https';
      const rig: HttpRig = await startHttp(
        t,
        () => endless(looks),
        isSecure ? { tls: identity } : {},
        isSecure ? 'tls://127.0.0.1:0' : 'tcp://127.0.0.1:0',
      );
      await readBeside(t, `${scheme}://${rig.server.addr}/`);
      assert.ok(looks.most <= MOST_BETWEEN_LOOKS, `${looks.most} bytes left in one turn`);
    });
  }
});
