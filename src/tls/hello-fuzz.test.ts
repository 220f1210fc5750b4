/**
 * Client hellos that were changed at random, at a parser of our own and at OpenSSL. Whatever comes, a
 * session waits for more or ends in one of the typed errors, and gives everything back.
 * `GNET_FUZZ_RUNS` sets the number of hellos, `GNET_FUZZ_SEED` the run.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeFamily } from '../../testing/certificates.ts';
import { Random } from '../../testing/random.ts';
import { clientEnd, contextPair, exchange, serverEnd } from '../../testing/tls-end.ts';
import { type ClientHello, readFirstBytes } from './client-hello.ts';
import type { ClientSession } from './client-session.ts';
import { sessionCounters } from './session.ts';
import { TlsState } from './session-states.ts';

const runs = Number(process.env['GNET_FUZZ_RUNS'] ?? 3_000);
const seed = Number(process.env['GNET_FUZZ_SEED'] ?? 20_261_128);
const family = makeFamily();

/** Of clients that offer much and little, with and without a ticket. */
function recordedHellos(): Buffer[] {
  const hellos: Buffer[] = [];
  for (const [minVersion, maxVersion] of [
    [0x303, 0x303],
    [0x303, 0x304],
    [0x304, 0x304],
  ] as const) {
    const contexts = contextPair(family, {}, { minVersion, maxVersion, protocols: ['h2', 'echo'] });
    const [client, server] = [clientEnd(contexts.client), serverEnd(contexts.server)];
    hellos.push(client.take());
    server.feed(hellos.at(-1) as Buffer);
    exchange(client, server);
    const session = (client.session as ClientSession).exportSession() ?? undefined;
    const again = clientEnd(contexts.client, { session });
    hellos.push(again.take());
    for (const end of [client, server, again]) end.free();
  }
  return hellos;
}

function mutate(random: Random, original: Buffer): Buffer {
  let bytes = Buffer.from(original);
  const changes = 1 + random.below(4);
  for (let change = 0; change < changes; change++) {
    const at = random.below(bytes.length);
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 2: // shorter
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.below(64))]);
        break;
      case 3: // longer
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(random.below(300), at),
          bytes.subarray(at),
        ]);
        break;
      default: // a length that lies
        bytes.writeUInt16BE(random.below(65_536), Math.min(at, bytes.length - 2));
    }
    if (bytes.length < 8) return bytes;
  }
  return bytes;
}

const expected = new Set(['ErrTlsHandshake', 'ErrTlsPlainText', 'ErrTlsAlert']);

test(`${runs} hellos of seed ${seed} end in typed errors only`, () => {
  const random = new Random(seed);
  const hellos = recordedHellos();
  const { server: context } = contextPair(family, { protocols: ['h2'] });
  const live = sessionCounters.live;
  const outcomes = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    const bytes = mutate(random, hellos[random.below(hellos.length)] as Buffer);
    const server = serverEnd(context);
    const piece = random.below(3) === 0 ? 1 + random.below(bytes.length) : bytes.length;
    for (let at = 0; at < bytes.length; at += piece) server.feed(bytes.subarray(at, at + piece));
    const { state, failure } = server.session;
    if (state === TlsState.Failed) {
      assert.ok(failure !== null && expected.has(failure.code), `run ${run}: ${failure?.stack}`);
    } else {
      assert.ok(state === TlsState.Hello || state === TlsState.Handshaking, `run ${run}: ${state}`);
    }
    const outcome = failure?.code ?? `state ${state}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    server.free();
  }
  assert.equal(sessionCounters.live, live);
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
