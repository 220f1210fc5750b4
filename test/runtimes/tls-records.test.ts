/**
 * Several records of TLS that come in one read, where TLS is the runtime's own `node:tls`: what each
 * runtime makes of them goes up whole, and in one piece. Skipped by name where one is not installed.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { flagsOf, installedRuntime, runtimeNames } from '../../scripts/other-runtime.ts';
import { nodeFlags, Program } from '../support/program.ts';

/** What a client of TLS stands on; while it gathers, ciphertext waits for `leave`. */
class Gathering extends Duplex {
  readonly #below: Socket;
  #pieces: Buffer[] | null = null;

  constructor(below: Socket) {
    super({ allowHalfOpen: true });
    this.#below = below;
    below.on('data', (bytes) => this.push(bytes));
    below.on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    if (this.#pieces === null) this.#below.write(bytes);
    else this.#pieces.push(bytes);
    done();
  }

  override _final(done: () => void): void {
    this.#below.end();
    done();
  }

  gather(): void {
    this.#pieces = [];
  }

  /** Everything in one write: it fits one segment. Returns how many pieces there were. */
  leave(): number {
    const pieces = this.#pieces ?? [];
    this.#pieces = null;
    this.#below.write(Buffer.concat(pieces));
    return pieces.length;
  }
}

/** Resolves when so many bytes have come, with them. */
async function receive(socket: tls.TLSSocket, count: number): Promise<string> {
  let text = '';
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    text += String(piece);
    if (text.length >= count) break;
  }
  return text;
}

const runtimes = [
  { name: 'node', program: process.execPath as string | undefined, flags: nodeFlags },
  ...runtimeNames.map((name) => ({
    name,
    program: installedRuntime(name),
    flags: flagsOf(name),
  })),
];

for (const { name, program: path, flags } of runtimes) {
  const skip = path === undefined && `${name} is not installed`;
  test(`${name}: records behind one another in one read arrive together`, { skip }, async (t) => {
    const env = { ...process.env, GNET_OPENSSL: 'node:tls', GNET_DRIVER: 'node', NO_COLOR: '1' };
    const args = [...flags, 'test/runtimes/programs/tls-echo.ts'];
    const program = new Program(t, path ?? '', args, { env });
    const [json = ''] = await program.line(/^serving (.*)$/m);
    const { engine, address, ca } = JSON.parse(json) as Record<'engine' | 'address' | 'ca', string>;
    assert.equal(engine, 'node:tls');
    const below = connectPlain(Number(address.split(':').at(-1)), '127.0.0.1');
    // The program ends while it is connected.
    below.on('error', () => {});
    t.after(() => below.destroy());
    await once(below, 'connect');
    const wire = new Gathering(below);
    const socket = tls.connect({ socket: wire, ca, servername: 'localhost' });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    socket.write('first');
    assert.equal(await receive(socket, 5), 'first');
    wire.gather();
    for (const text of ['one', 'two', 'three']) {
      await new Promise((resolve) => socket.write(text, resolve));
    }
    assert.equal(wire.leave(), 3);
    assert.equal(await receive(socket, 11), 'onetwothree');
    program.kill('SIGTERM');
    const { code, output } = await program.ending();
    assert.equal(code, 0, output);
    assert.match(output, /^calls 2$/m, output);
  });
}
