import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { makeCertificate, makeFamily, makeRevocationList } from '../../testing/certificates.ts';
import {
  clientEnd,
  contextPair,
  exchange,
  identityOf,
  plainSettings,
  serverEnd,
  TlsEnd,
} from '../../testing/tls-end.ts';
import { ClientSession } from './client-session.ts';
import { TlsContext } from './context.ts';
import type { ContextSettings } from './context-settings.ts';
import type { ErrTlsAlert, ErrTlsCertificate, ErrTlsHandshake } from './errors.ts';
import { helloBytesMax } from './limits.ts';
import { ERR_peek_last_error } from './openssl/bindings.ts';
import { pemBlocks } from './options/pem.ts';
import { ServerSession } from './server-session.ts';
import { sessionCounters } from './session.ts';
import { TlsState } from './session-states.ts';
import { randomTicketKey, TicketKeys } from './ticket-keys.ts';

const family = makeFamily();
const versions = { 'TLSv1.2': 0x303, 'TLSv1.3': 0x304 } as const;
const only = (version: number) => ({ minVersion: version, maxVersion: version });

/** Both sides connected; freed at the end of the test by `done`. */
function connect(
  server: Partial<ContextSettings> = {},
  client: Partial<ContextSettings> = {},
  piece?: number,
) {
  const contexts = contextPair(family, server, client);
  const ends = { server: serverEnd(contexts.server), client: clientEnd(contexts.client) };
  exchange(ends.client, ends.server, piece);
  const done = (): void => {
    ends.server.free();
    ends.client.free();
    contexts.server.dispose();
    contexts.client.dispose();
    assert.equal(ERR_peek_last_error(), 0, 'nothing is left in the error queue of the thread');
  };
  return { ...ends, contexts, done };
}

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
        const { server, client, done } = connect(only(version), {}, piece);
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
      const { server, client, done } = connect(only(version));
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
      const { server, client, done } = connect(only(version));
      server.session.transportEnded();
      assert.equal(server.session.failure?.code, 'ErrTlsTruncated');
      assert.equal(server.session.state, TlsState.Failed);
      done();
      assert.equal(client.session.failure, null);
    });

    test('a record that was changed on its way', () => {
      const { server, client, done } = connect(only(version));
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
      const { server, client, contexts, done } = connect({ ...only(version), ticketKeys });
      client.write('x');
      exchange(client, server);
      const session = (client.session as ClientSession).exportSession();
      assert.ok(session !== null);
      const other = contextPair(family, { ...only(version), ticketKeys: new TicketKeys(ticketKeys.keys) });
      for (const [context, resumed] of [
        [contexts.server, true],
        [other.server, true],
        [contextPair(family, only(version)).server, false],
      ] as const) {
        const [again, to] = [clientEnd(contexts.client, { session }), serverEnd(context)];
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
      const { client, server, contexts, done } = connect({ ...only(version), ticketKeys });
      const session = (client.session as ClientSession).exportSession() as Buffer;
      const resume = (given: Buffer): { resumed: boolean; next: Buffer } => {
        const [again, to] = [clientEnd(contexts.client, { session: given }), serverEnd(contexts.server)];
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
      const { client, contexts, done } = connect({ ...only(version), ticketKeys });
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
      const { done } = connect({ ...only(version), keylog: (line) => lines.push(line) });
      const labels = lines.map((line) => line.split(' ')[0]);
      if (version === versions['TLSv1.2']) assert.deepEqual(labels, ['CLIENT_RANDOM']);
      else assert.ok(labels.includes('SERVER_TRAFFIC_SECRET_0') && labels.length >= 5);
      for (const line of lines) assert.match(line, /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/);
      done();
    });
  });
}

test('keys are updated in both directions, as often as one likes', () => {
  const { server, client, done } = connect(only(versions['TLSv1.3']));
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

suite('protocols (ALPN)', () => {
  test("the server's order counts", () => {
    const { client, server, done } = connect(
      { protocols: ['h2', 'http/1.1'] },
      { protocols: ['http/1.1', 'h2'] },
    );
    assert.equal(client.session.facts().alpnProtocol, 'h2');
    assert.equal(server.session.facts().alpnProtocol, 'h2');
    done();
  });

  test('nothing in common ends the handshake', () => {
    const { client, server, done } = connect({ protocols: ['h2'] }, { protocols: ['smtp'] });
    assert.equal((server.session.failure as ErrTlsHandshake).alert, 'no_application_protocol');
    assert.equal((client.session.failure as ErrTlsAlert).alert, 'no_application_protocol');
    assert.match(client.session.failure?.message ?? '', /the server ended the handshake with the alert/);
    done();
  });

  test('a side without any takes part all the same', () => {
    for (const [one, other] of [
      [['h2'], []],
      [[], ['h2']],
    ] as const) {
      const { client, done } = connect({ protocols: one }, { protocols: other });
      assert.equal(client.session.facts().alpnProtocol, false);
      done();
    }
  });
});

suite('names (SNI)', () => {
  const other = makeCertificate({
    commonName: 'other',
    names: ['other.test'],
    issuer: family.middle,
  });
  const contexts = contextPair(family);
  const otherContext = new TlsContext('server', {
    ...plainSettings,
    identities: [identityOf(other, family.middle)],
  });

  test('the context of the name that is asked for', () => {
    const asked: (string | undefined)[] = [];
    const choice = {
      contextFor: (name: string | undefined) => {
        asked.push(name);
        return name === 'other.test' ? otherContext : contexts.server;
      },
    };
    for (const name of ['OTHER.test', 'localhost']) {
      const server = new TlsEnd(new ServerSession(choice));
      const client = clientEnd(contexts.client, { serverName: name, expectedName: name });
      exchange(client, server);
      assert.ok(client.session.facts().authorized);
      client.free();
      server.free();
    }
    const server = new TlsEnd(new ServerSession(choice));
    const client = clientEnd(contexts.client, { serverName: '127.0.0.1', expectedName: '127.0.0.1' });
    exchange(client, server);
    assert.ok(client.open);
    assert.deepEqual(asked, ['other.test', 'localhost', undefined]);
  });

  test('a context that is known later, with the hello in one piece and byte by byte', () => {
    for (const piece of [1, 100_000]) {
      const session = new ServerSession({ contextFor: () => null });
      const server = new TlsEnd(session);
      const client = clientEnd(contexts.client);
      exchange(client, server, piece);
      assert.equal(session.state, TlsState.Choosing);
      session.choose(contexts.server);
      server.advance();
      exchange(client, server, piece);
      assert.ok(client.open && server.open);
      client.free();
      server.free();
    }
  });

  test('a name that nobody serves', () => {
    const session = new ServerSession({
      contextFor: (name) => {
        throw new Error(`who is ${name}?`);
      },
    });
    const server = new TlsEnd(session);
    exchange(clientEnd(contexts.client), server);
    assert.equal(session.failure?.code, 'ErrTlsHandshake');
    assert.match(session.failure?.message ?? '', /there is no context for the name localhost/);
    session.choose(contexts.server);
    assert.equal(session.state, TlsState.Failed);
    const refused = new ServerSession({ contextFor: () => null });
    exchange(clientEnd(contexts.client), new TlsEnd(refused));
    refused.refuse(new Error('nobody'));
    assert.equal(refused.failure?.code, 'ErrTlsHandshake');
  });
});

suite('certificates', () => {
  const clientIdentity = [identityOf(family.client, family.middle)];
  const asking = { requestCert: true, trusted: [family.root.der] };

  function refusal(
    server: Partial<ContextSettings>,
    client: Partial<ContextSettings>,
  ): { server: ErrTlsCertificate; client: ErrTlsAlert } {
    const { server: serverSide, client: clientSide, done } = connect(server, client);
    const both = { server: serverSide.session.failure, client: clientSide.session.failure };
    done();
    return both as { server: ErrTlsCertificate; client: ErrTlsAlert };
  }

  test("a client's certificate is asked for and accepted", () => {
    const { server, done } = connect(asking, { identities: clientIdentity });
    const facts = server.session.facts();
    assert.equal(facts.authorized, true);
    assert.deepEqual(facts.peerCertificate, family.client.der);
    done();
  });

  test('a client without one is refused', () => {
    const { server, client } = refusal(asking, {});
    assert.equal(server.code, 'ErrTlsHandshake');
    assert.equal(server.alert, 'certificate_required');
    assert.equal(client.alert, 'certificate_required');
  });

  test('a client with one of another authority is refused, and told why', () => {
    const stranger = makeCertificate({ commonName: 'stranger' });
    const { server, client } = refusal(asking, { identities: [identityOf(stranger)] });
    assert.equal(server.code, 'ErrTlsCertificate');
    assert.equal(server.reason, 'DEPTH_ZERO_SELF_SIGNED_CERT');
    assert.equal(server.alert, 'unknown_ca');
    assert.equal(client.alert, 'unknown_ca');
    assert.match(client.message, /it does not trust the issuer of the certificate of this side/);
  });

  test('who does not insist is told what is wrong', () => {
    const lenient = { ...asking, rejectUnauthorized: false };
    const stranger = makeCertificate({ commonName: 'stranger' });
    for (const [identities, error] of [
      [[identityOf(stranger)], 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [[], 'UNABLE_TO_GET_ISSUER_CERT'],
      [clientIdentity, undefined],
    ] as const) {
      const { server, done } = connect(lenient, { identities });
      assert.equal(server.session.failure, null);
      const facts = server.session.facts();
      assert.equal(facts.authorizationError, error);
      assert.equal(facts.authorized, error === undefined);
      done();
    }
  });

  test('a revoked one is refused', () => {
    const list = (issuer: typeof family.root, revoked: (typeof family.root)[]) =>
      (pemBlocks(makeRevocationList(issuer, revoked))[0] as { der: Uint8Array }).der;
    const revocations = [list(family.root, []), list(family.middle, [family.client])];
    const { server } = refusal({ ...asking, revocations }, { identities: clientIdentity });
    assert.equal(server.reason, 'CERT_REVOKED');
    assert.equal(server.alert, 'certificate_revoked');
  });

  test('a client looks at the name, the issuer and the time', () => {
    const old = new Date(Date.now() - 86_400_000);
    const expired = makeCertificate({
      commonName: 'localhost',
      names: ['localhost'],
      issuer: family.middle,
      notBefore: new Date(old.getTime() - 86_400_000),
      notAfter: old,
    });
    const wrongName = makeCertificate({
      commonName: 'localhost',
      names: ['elsewhere.test'],
      issuer: family.middle,
    });
    for (const [identities, trusted, reason] of [
      [[identityOf(expired, family.middle)], [family.root.der], 'CERT_HAS_EXPIRED'],
      [[identityOf(wrongName, family.middle)], [family.root.der], 'HOSTNAME_MISMATCH'],
      [[identityOf(family.leaf)], [family.root.der], 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
      [[identityOf(family.leaf, family.middle)], 'runtime', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ] as const) {
      const { client, server, done } = connect({ identities }, { trusted });
      const failure = client.session.failure as ErrTlsCertificate;
      assert.equal(failure.code, 'ErrTlsCertificate');
      assert.equal(failure.reason, reason);
      assert.equal(server.session.failure?.code, 'ErrTlsAlert');
      done();
      const lenient = connect({ identities }, { trusted, rejectUnauthorized: false });
      assert.equal(lenient.client.session.facts().authorizationError, reason);
      lenient.done();
    }
  });

  test('an IP address that the certificate does not name', () => {
    const contexts = contextPair(family);
    for (const [name, failed] of [
      ['127.0.0.1', false],
      ['::1', false],
      ['127.0.0.2', true],
    ] as const) {
      const [client, server] = [
        clientEnd(contexts.client, { serverName: undefined, expectedName: name }),
        serverEnd(contexts.server),
      ];
      exchange(client, server);
      assert.equal(client.session.failure !== null, failed);
      if (failed) assert.match(client.session.failure?.message ?? '', /IP_ADDRESS_MISMATCH/);
      client.free();
      server.free();
    }
  });
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
    assert.match(session.failure?.message ?? '', /the client sent plain text .*"GET \/ HTTP.*HTTP without TLS/);
    assert.equal(firstBytes(Buffer.from('\n')).session.failure?.code, 'ErrTlsPlainText');
  });

  test('plain text at a client', () => {
    const client = clientEnd(contexts.client);
    client.feed(Buffer.from('220 mail.example.test ESMTP\r\n'));
    assert.equal(client.session.failure?.code, 'ErrTlsPlainText');
    assert.match(client.session.failure?.message ?? '', /the server sent plain text/);
  });

  test('versions without overlap: both sides name the alert', () => {
    const { server, client, done } = connect(
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
    assert.match(server.session.failure?.message ?? '', /its first message has more than 65536 bytes/);
    server.feed(record);
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

test('a client that begins while another session has input left', () => {
  const { server, client, contexts, done } = connect();
  client.write('one');
  client.write('two');
  const slabOwner = new TlsEnd(server.session);
  const records = client.take();
  const second = clientEnd(contexts.client);
  void slabOwner;
  server.feed(records);
  assert.equal(server.received.toString(), 'onetwo');
  second.free();
  done();
});

test('sessions are freed exactly once, whatever state they were in', () => {
  const live = sessionCounters.live;
  const contexts = contextPair(family);
  const rss = (): number => process.memoryUsage.rss();
  let before = 0;
  const rounds = 1_500;
  for (let round = 0; round < rounds; round++) {
    if (round === 500) before = rss();
    const [client, server] = [clientEnd(contexts.client), serverEnd(contexts.server)];
    const hello = client.take();
    if (round % 3 > 0) server.feed(hello.subarray(0, round % 3 === 1 ? hello.length : 40));
    if (round % 6 === 1) client.feed(server.take());
    if (round % 6 === 4) client.feed(Buffer.from('no TLS'));
    for (const end of [client, server]) {
      end.free();
      end.session.free();
    }
  }
  assert.equal(sessionCounters.live, live);
  // A session takes some 20 KiB: a leak of one in ten would show.
  assert.ok(rss() - before < 8 * 1024 * 1024, `memory grew by ${rss() - before} bytes`);
});
