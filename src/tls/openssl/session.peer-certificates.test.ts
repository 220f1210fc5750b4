/** Certificates of both sides, as the other side sees them. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeCertificate, makeFamily, makeRevocationList } from '../../../testing/certificates.ts';
import {
  clientEnd,
  connectedPair,
  contextPair,
  exchange,
  identityOf,
  serverEnd,
} from '../../../testing/tls-end.ts';
import type { ContextSettings } from '../context-settings.ts';
import type { ErrTlsAlert, ErrTlsCertificate } from '../errors.ts';
import { pemBlocks } from '../options/pem.ts';

const family = makeFamily();

suite('certificates', () => {
  const clientIdentity = [identityOf(family.client, family.middle)];
  const asking = { requestCert: true, trusted: [family.root.der] };

  function refusal(
    server: Partial<ContextSettings>,
    client: Partial<ContextSettings>,
  ): { server: ErrTlsCertificate; client: ErrTlsAlert } {
    const { server: serverSide, client: clientSide, done } = connectedPair(family, server, client);
    const both = { server: serverSide.session.failure, client: clientSide.session.failure };
    done();
    return both as { server: ErrTlsCertificate; client: ErrTlsAlert };
  }

  test("a client's certificate is asked for and accepted", () => {
    const { server, done } = connectedPair(family, asking, { identities: clientIdentity });
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
      const { server, done } = connectedPair(family, lenient, { identities });
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
      const { client, server, done } = connectedPair(family, { identities }, { trusted });
      const failure = client.session.failure as ErrTlsCertificate;
      assert.equal(failure.code, 'ErrTlsCertificate');
      assert.equal(failure.reason, reason);
      assert.equal(server.session.failure?.code, 'ErrTlsAlert');
      done();
      const lenient = connectedPair(family, { identities }, { trusted, rejectUnauthorized: false });
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
