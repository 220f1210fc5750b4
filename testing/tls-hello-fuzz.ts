/**
 * Client hellos that were changed at random, at a parser of our own and at OpenSSL. Whatever comes, a
 * session waits for more or ends in one of the typed errors, and gives everything back.
 */
import assert from 'node:assert/strict';
import type { ClientSession } from '../src/tls/openssl/client-session.ts';
import { sessionCounters } from '../src/tls/openssl/session.ts';
import { TlsState } from '../src/tls/session-states.ts';
import { makeFamily } from './certificates.ts';
import type { Random } from 'gnet/testing';
import { clientEnd, contextPair, exchange, serverEnd } from './tls-end.ts';

const family = makeFamily();

/** Of clients that offer much and little, with and without a ticket. */
export function recordedHellos(): Buffer[] {
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

/** Bytes that were never a hello, behind the beginning of a record or not. */
function invent(random: Random): Buffer {
  const bytes = random.bytes(8 + random.below(400));
  if (random.below(4) > 0) bytes.set([22, 3, 1 + random.below(3)], 0);
  if (random.below(2) > 0) bytes.writeUInt16BE(bytes.length - 5, 3);
  if (random.below(2) > 0) bytes[5] = 1;
  return bytes;
}

const expected = new Set(['ErrTlsHandshake', 'ErrTlsPlainText', 'ErrTlsAlert']);

export interface HelloFuzz {
  /** Gives one changed hello to a server; how often each outcome came is in `outcomes`. */
  once(): void;
  readonly outcomes: ReadonlyMap<string, number>;
  /** @throws when a session holds something still. */
  end(): void;
}

export function helloFuzz(random: Random): HelloFuzz {
  const hellos = recordedHellos();
  const { server: context } = contextPair(family, { protocols: ['h2'] });
  const live = sessionCounters.live;
  const outcomes = new Map<string, number>();
  return {
    outcomes,
    once() {
      const isInvented = random.below(8) === 0;
      const original = hellos[random.below(hellos.length)] as Buffer;
      const bytes = isInvented ? invent(random) : mutate(random, original);
      const server = serverEnd(context);
      const piece = random.below(3) === 0 ? 1 + random.below(bytes.length) : bytes.length;
      for (let at = 0; at < bytes.length; at += piece) server.feed(bytes.subarray(at, at + piece));
      const { state, failure } = server.session;
      if (state === TlsState.Failed) {
        assert.ok(failure !== null && expected.has(failure.code), failure?.stack ?? 'no failure');
      } else {
        assert.ok(state === TlsState.Hello || state === TlsState.Handshaking, `state ${state}`);
      }
      const outcome = failure?.code ?? `state ${state}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      server.free();
    },
    end() {
      assert.equal(sessionCounters.live, live);
    },
  };
}
