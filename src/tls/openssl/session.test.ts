import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { makeFamily } from '../../../testing/certificates.ts';
import {
  clientEnd,
  connectedPair,
  contextPair,
  exchange,
  serverEnd,
  type TlsEnd,
} from '../../../testing/tls-end.ts';
import { nativeSlabPool } from '../../driver/native/native-memory.ts';
import type { ClientSession } from './client-session.ts';
import type { ErrTlsAlert, ErrTlsHandshake } from '../errors.ts';
import { helloBytesMax } from '../limits.ts';
import { randomTicketKey, TicketKeys } from '../ticket-keys.ts';

const family = makeFamily();
const versions = { 'TLSv1.2': 0x303, 'TLSv1.3': 0x304 } as const;
const only = (version: number) => ({ minVersion: version, maxVersion: version });

test('a full handshake of TLS 1.3 ends with one ticket', () => {
  const contexts = contextPair(family, only(0x304));
  const [server, client] = [serverEnd(contexts.server), clientEnd(contexts.client)];
  server.feed(client.take());
  client.feed(server.take());
  server.feed(client.take());
  assert.ok(server.open);
  const bytes = server.take();
  const headerBytes = 5;
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + headerBytes - 2);
    lengths.push(length);
    at += headerBytes + length;
  }
  assert.equal(lengths.length, 1);
  client.feed(bytes);
  assert.ok((client.session as ClientSession).exportSession());
  server.free();
  client.free();
});

for (const [protocol, version] of Object.entries(versions)) {
  suite(protocol, () => {
    for (const kind of ['ec', 'rsa', 'ed25519'] as const) {
      test(`certificate of kind ${kind}: data in both directions`, () => {
        const relatives = makeFamily(kind);
        const contexts = contextPair(relatives, only(version));
        const [server, client] = [serverEnd(contexts.server), clientEnd(contexts.client)];
        exchange(client, server);
        assert.ok(client.open && server.open);
        client.write('ping');
        server.write('pong'.repeat(50_000));
        exchange(client, server);
        assert.equal(server.received.toString(), 'ping');
        assert.equal(client.received.toString(), 'pong'.repeat(50_000));
        const facts = client.session.facts();
        assert.equal(facts.protocol, protocol);
        assert.equal(facts.authorized, true);
        assert.deepEqual(facts.peerCertificate, relatives.leaf.der);
        assert.equal(facts.resumed, false);
        assert.match(facts.cipher.standardName, /^TLS_/);
        server.free();
        client.free();
      });
    }

    for (const piece of [1, 2, 5, 7, 1_000]) {
      test(`bytes that come ${piece} at a time`, () => {
        const { server, client, done } = connectedPair(family, only(version), {}, piece);
        assert.ok(client.open && server.open);
        client.write('a');
        client.write('bc'.repeat(9_000));
        server.write('z');
        exchange(client, server, piece);
        assert.equal(server.received.toString(), `a${'bc'.repeat(9_000)}`);
        assert.equal(client.received.toString(), 'z');
        client.close();
        exchange(client, server, piece);
        assert.ok(server.session.peerEnded);
        done();
      });
    }

    test('each side ends on its own, and what the other sends is read all the same', () => {
      const { server, client, done } = connectedPair(family, only(version));
      client.close();
      client.close();
      exchange(client, server);
      assert.ok(server.session.peerEnded && !server.session.ended);
      server.write('still here');
      server.close();
      exchange(client, server);
      assert.equal(client.received.toString(), 'still here');
      assert.ok(client.session.peerEnded);
      for (const end of [client, server]) {
        end.session.transportEnded();
        assert.equal(end.session.failure, null);
      }
      done();
    });

    test('an end without close_notify is a truncation', () => {
      const { server, client, done } = connectedPair(family, only(version));
      server.session.transportEnded();
      assert.equal(server.session.failure?.code, 'ErrTlsTruncated');
      assert.ok(server.session.peerEnded);
      server.write('the answer');
      client.feed(server.take());
      assert.equal(client.received.toString(), 'the answer', 'what is written goes out');
      done();
      assert.equal(client.session.failure, null);
    });

    test('a record that was changed on its way', () => {
      const { server, client, done } = connectedPair(family, only(version));
      client.write('attack at dawn');
      const record = client.take();
      record[record.length - 1] = (record.at(-1) as number) ^ 1;
      server.feed(record);
      const failure = server.session.failure as ErrTlsHandshake;
      assert.equal(failure.code, 'ErrTlsRecord');
      assert.equal(failure.alert, 'bad_record_mac');
      assert.match(failure.message, /cannot read what the client sent: .*bad_record_mac was sent/);
      exchange(server, client);
      const told = client.session.failure as ErrTlsAlert;
      assert.equal(told.code, 'ErrTlsAlert');
      assert.equal(told.alert, 'bad_record_mac');
      assert.equal(server.received.length, 0);
      done();
    });

    test('a session is resumed, and by another context with the same keys, too', () => {
      const ticketKeys = new TicketKeys();
      const { server, client, contexts, done } = connectedPair(family, {
        ...only(version),
        ticketKeys,
      });
      client.write('x');
      exchange(client, server);
      const session = (client.session as ClientSession).exportSession();
      assert.ok(session !== null);
      const other = contextPair(family, {
        ...only(version),
        ticketKeys: new TicketKeys(ticketKeys.keys),
      });
      for (const [context, resumed] of [
        [contexts.server, true],
        [other.server, true],
        [contextPair(family, only(version)).server, false],
      ] as const) {
        const to: TlsEnd = serverEnd(context);
        const again: TlsEnd = clientEnd(contexts.client, { session });
        exchange(again, to);
        assert.equal(again.session.facts().resumed, resumed);
        assert.equal(to.session.facts().resumed, resumed);
        assert.ok(again.session.facts().authorized);
        again.free();
        to.free();
      }
      done();
    });

    test('tickets of the key before are read, those of the one before that are not', () => {
      const ticketKeys = new TicketKeys();
      const { client, server, contexts, done } = connectedPair(family, {
        ...only(version),
        ticketKeys,
      });
      const session = (client.session as ClientSession).exportSession() as Buffer;
      const resume = (given: Buffer): { resumed: boolean; next: Buffer } => {
        const [again, to] = [
          clientEnd(contexts.client, { session: given }),
          serverEnd(contexts.server),
        ];
        exchange(again, to);
        const { resumed } = again.session.facts();
        const next = (again.session as ClientSession).exportSession() as Buffer;
        again.free();
        to.free();
        return { resumed, next };
      };
      ticketKeys.rotate(randomTicketKey());
      const second = resume(session);
      assert.equal(second.resumed, true);
      ticketKeys.rotate(randomTicketKey());
      assert.equal(resume(session).resumed, false);
      // A ticket of TLS 1.3 is a new one each time, made with the newest key of then.
      if (version === versions['TLSv1.3']) assert.equal(resume(second.next).resumed, true);
      exchange(client, server);
      done();
    });

    test('a session of one context is not resumed in another one', () => {
      const ticketKeys = new TicketKeys();
      const { client, contexts, done } = connectedPair(family, { ...only(version), ticketKeys });
      const session = (client.session as ClientSession).exportSession() as Buffer;
      const sessionIdContext = createHash('sha256').update('another').digest();
      const other = contextPair(family, { ...only(version), ticketKeys, sessionIdContext });
      const [again, to] = [clientEnd(contexts.client, { session }), serverEnd(other.server)];
      exchange(again, to);
      assert.equal(to.session.failure, null);
      assert.equal(again.session.facts().resumed, false);
      again.free();
      to.free();
      done();
    });

    test('the secrets of a connection, for who asks for them', () => {
      const lines: string[] = [];
      const { done } = connectedPair(family, {
        ...only(version),
        keylog: (line) => lines.push(line),
      });
      const labels = lines.map((line) => line.split(' ')[0]);
      if (version === versions['TLSv1.2']) assert.deepEqual(labels, ['CLIENT_RANDOM']);
      else assert.ok(labels.includes('SERVER_TRAFFIC_SECRET_0') && labels.length >= 5);
      for (const line of lines) assert.match(line, /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/);
      done();
    });
  });
}

test('keys are updated in both directions, as often as one likes', () => {
  const { server, client, done } = connectedPair(family, only(versions['TLSv1.3']));
  for (let round = 0; round < 5; round++) {
    client.write('a');
    client.updateKeys();
    client.write('b');
    exchange(client, server);
    server.updateKeys();
    server.write('c');
    exchange(client, server);
  }
  assert.equal(server.received.toString(), 'ab'.repeat(5));
  assert.equal(client.received.toString(), 'c'.repeat(5));
  done();
});

suite('what is no handshake', () => {
  const contexts = contextPair(family);

  function firstBytes(bytes: Uint8Array, piece = bytes.length): TlsEnd {
    const server = serverEnd(contexts.server);
    for (let at = 0; at < bytes.length; at += piece) server.feed(bytes.subarray(at, at + piece));
    return server;
  }

  test('plain text at a server', () => {
    const { session } = firstBytes(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    assert.equal(session.failure?.code, 'ErrTlsPlainText');
    assert.match(
      session.failure?.message ?? '',
      /the client sent plain text .*\("GET"\): it speaks HTTP without TLS/,
    );
    const secret = firstBytes(Buffer.from('AUTH hunter2\r\n')).session.failure;
    assert.match(secret?.message ?? '', /\("AUTH"\)/);
    assert.equal(firstBytes(Buffer.from('\n')).session.failure?.code, 'ErrTlsPlainText');
  });

  test('plain text at a client', () => {
    const client = clientEnd(contexts.client);
    client.feed(Buffer.from('220 mail.example.test ESMTP\r\n'));
    assert.equal(client.session.failure?.code, 'ErrTlsPlainText');
    assert.match(client.session.failure?.message ?? '', /the server sent plain text/);
  });

  test('versions without overlap: both sides name the alert', () => {
    const { server, client, done } = connectedPair(
      family,
      only(versions['TLSv1.3']),
      only(versions['TLSv1.2']),
    );
    assert.equal((server.session.failure as ErrTlsHandshake).alert, 'protocol_version');
    assert.match(server.session.failure?.message ?? '', /compare `minVersion`/);
    assert.equal((client.session.failure as ErrTlsAlert).alert, 'protocol_version');
    done();
  });

  test('a hello without end, in one record after the other', () => {
    const server = serverEnd(contexts.server);
    const record = Buffer.alloc(5 + 16_384);
    Buffer.from([22, 3, 1, 0x40, 0]).copy(record);
    const first = Buffer.from(record);
    Buffer.from([1, 0xff, 0xff, 0xff]).copy(first, 5);
    server.feed(first);
    for (let sent = first.length; sent <= helloBytesMax; sent += record.length) server.feed(record);
    assert.equal(server.session.failure?.code, 'ErrTlsHandshake');
    assert.match(
      server.session.failure?.message ?? '',
      /its first message has more than 65536 bytes/,
    );
    server.feed(record);
    server.free();
  });

  test('a long message in records of one byte, a byte at a time: looked at a few times only', () => {
    const body = Buffer.alloc(10_000);
    body.writeUInt32BE((1 << 24) | (body.length - 4));
    const records = Buffer.concat(Array.from(body, (byte) => Buffer.from([22, 3, 1, 0, 1, byte])));
    const server = firstBytes(records, 1);
    assert.equal(server.session.failure?.code, 'ErrTlsHandshake');
    server.free();
  });

  test('an end in the middle of a handshake', () => {
    const server = serverEnd(contexts.server);
    server.feed(clientEnd(contexts.client).take().subarray(0, 50));
    server.session.transportEnded();
    assert.equal(server.session.failure?.code, 'ErrTlsHandshake');
    assert.match(server.session.failure?.message ?? '', /ended the connection in the handshake/);
  });
});

test('a client that begins while another session has input left, and one that writes then', () => {
  const first = connectedPair(family);
  const writer = connectedPair(family);
  first.client.write('one');
  first.client.write('two');
  const pool = nativeSlabPool(65_536);
  const [input, plain] = [pool.take(), pool.take()];
  const records = first.client.take();
  input.bytes.set(records);
  const { session } = first.server;
  session.receive(input, 0, records.length);
  assert.equal(session.read(plain, 0, 65_536), 3);
  assert.equal(session.drained, false);
  writer.server.write('in between');
  const second = clientEnd(first.contexts.client);
  const server = serverEnd(first.contexts.server);
  assert.equal(session.read(plain, 3, 65_536 - 3), 3);
  assert.equal(session.drained, true);
  assert.equal(session.read(plain, 6, 1), 0);
  assert.equal(plain.bytes.toString('latin1', 0, 6), 'onetwo');
  exchange(second, server);
  assert.ok(second.open && server.open);
  exchange(writer.server, writer.client);
  assert.equal(writer.client.received.toString(), 'in between');
  for (const slab of [input, plain]) pool.release(slab);
  for (const end of [second, server]) end.free();
  first.done();
  writer.done();
});
