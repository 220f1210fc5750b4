/** What both sides agree on: protocols and server names. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeCertificate, makeFamily } from '../../../testing/certificates.ts';
import {
  clientEnd,
  connectedPair,
  contextPair,
  exchange,
  identityOf,
  plainSettings,
  TlsEnd,
} from '../../../testing/tls-end.ts';
import { TlsContext } from './context.ts';
import type { ErrTlsAlert, ErrTlsHandshake } from '../errors.ts';
import { ServerSession } from './server-session.ts';
import { TlsState } from '../session-states.ts';

const family = makeFamily();

suite('protocols (ALPN)', () => {
  test("the server's order counts", () => {
    const { client, server, done } = connectedPair(
      family,
      { protocols: ['h2', 'http/1.1'] },
      { protocols: ['http/1.1', 'h2'] },
    );
    assert.equal(client.session.facts().alpnProtocol, 'h2');
    assert.equal(server.session.facts().alpnProtocol, 'h2');
    done();
  });

  test('nothing in common ends the handshake', () => {
    const { client, server, done } = connectedPair(
      family,
      { protocols: ['h2'] },
      { protocols: ['smtp'] },
    );
    assert.equal((server.session.failure as ErrTlsHandshake).alert, 'no_application_protocol');
    assert.equal((client.session.failure as ErrTlsAlert).alert, 'no_application_protocol');
    assert.match(
      client.session.failure?.message ?? '',
      /the server ended the handshake with the alert/,
    );
    done();
  });

  test('a side without any takes part all the same', () => {
    for (const [one, other] of [
      [['h2'], []],
      [[], ['h2']],
    ] as const) {
      const { client, done } = connectedPair(family, { protocols: one }, { protocols: other });
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
    const client = clientEnd(contexts.client, {
      serverName: '127.0.0.1',
      expectedName: '127.0.0.1',
    });
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
