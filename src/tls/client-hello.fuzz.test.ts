/**
 * Client hellos that were changed at random; `npm run soak -- --only hellos` does a million of them.
 * `GNET_FUZZ_RUNS` sets the number of hellos, `GNET_FUZZ_SEED` the run.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from 'gnet/testing';
import { helloFuzz, recordedHellos } from '../../testing/tls-hello-fuzz.ts';
import { type ClientHello, readFirstBytes } from './client-hello.ts';

const runs = Number(process.env['GNET_FUZZ_RUNS'] ?? 3_000);
const seed = Number(process.env['GNET_FUZZ_SEED'] ?? 20_261_128);

test(`${runs} hellos of seed ${seed} end in typed errors only`, () => {
  const fuzz = helloFuzz(new Random(seed));
  for (let run = 0; run < runs; run++) fuzz.once();
  fuzz.end();
  const { outcomes } = fuzz;
  assert.ok((outcomes.get('ErrTlsHandshake') ?? 0) > runs / 20, JSON.stringify([...outcomes]));
});

suite('the client hello', () => {
  const hello = recordedHellos()[1] as Buffer;
  const read = (bytes: Buffer): ClientHello => {
    const first = readFirstBytes(bytes, 0, bytes.length);
    assert.equal(first.kind, 'hello');
    return (first as { hello: ClientHello }).hello;
  };

  test('name, protocols and ticket', () => {
    const { serverName, protocols, ticketKeyNames } = read(hello);
    assert.equal(serverName, 'localhost');
    assert.deepEqual(protocols, ['h2', 'echo']);
    assert.equal(ticketKeyNames.length, 1);
    assert.equal(ticketKeyNames[0]?.length, 16);
  });

  test('each beginning of it is incomplete', () => {
    for (let length = 0; length < hello.length; length++) {
      assert.equal(readFirstBytes(hello, 0, length).kind, 'incomplete', `${length} bytes`);
    }
  });

  test('in records of any size', () => {
    const body = hello.subarray(5);
    for (const size of [1, 2, 3, 7, 100]) {
      const records: Buffer[] = [];
      for (let at = 0; at < body.length; at += size) {
        const part = body.subarray(at, at + size);
        records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
      }
      assert.deepEqual(read(Buffer.concat(records)), read(hello));
    }
  });

  test('what is none', () => {
    const kindOf = (...bytes: number[]): string =>
      readFirstBytes(Uint8Array.from(bytes), 0, bytes.length).kind;
    assert.equal(kindOf(0x47, 0x45, 0x54), 'plainText');
    assert.equal(kindOf(22, 3, 1, 0, 0), 'unknown');
    assert.equal(kindOf(22, 2, 1, 0, 5), 'unknown');
    assert.equal(kindOf(21, 3, 1, 0, 2, 1, 0), 'unknown');
    assert.equal(kindOf(22, 3, 1, 0, 4, 2, 0, 0, 0), 'unknown');
    assert.equal(kindOf(0x80, 0x2e, 1, 3, 1), 'unknown');
    assert.equal(kindOf(22, 3, 1, 0, 4, 1, 0, 0, 0), 'unknown', 'a hello without anything');
  });
});
