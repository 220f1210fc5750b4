import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeCertificate, makeFamily, makeRevocationList } from '../../../testing/certificates.ts';
import { exchange, TlsEnd } from '../../../testing/tls-end.ts';
import { ClientContext } from './client-context.ts';
import type { TlsClientOptions, TlsServerOptions } from '../options/types.ts';
import { readServerOptions, ServerContexts } from './server-contexts.ts';
import { ServerSession } from './server-session.ts';
import { TlsState } from '../session-states.ts';

const family = makeFamily();
const chain = family.leaf.cert + family.middle.cert;
const usual: TlsServerOptions = { key: family.leaf.key, cert: chain, ca: family.root.cert };
const folder = mkdtempSync(join(tmpdir(), 'gnet-tls-options-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, contents: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const files = {
  key: file('key.pem', family.leaf.key),
  cert: file('chain.pem', chain),
  root: file('root.pem', family.root.cert),
};

/** A handshake between a server and a client of these options. */
function connect(
  server: TlsServerOptions,
  client: TlsClientOptions = {},
  host = 'localhost',
): { server: TlsEnd; client: TlsEnd; context: ClientContext } {
  const contexts = new ServerContexts(readServerOptions(server));
  const context = new ClientContext({ ca: family.root.cert, ...client });
  const ends = {
    server: new TlsEnd(new ServerSession(contexts)),
    client: new TlsEnd(context.open(host, host)),
  };
  ends.client.advance();
  exchange(ends.client, ends.server);
  return { ...ends, context };
}

test('kernel TLS is off, and asking for it says what stands in the way', () => {
  const context = new ClientContext({ kernel: false });
  context.dispose();
  for (const make of [
    () => readServerOptions({ ...usual, kernel: true }),
    () => new ClientContext({ kernel: true }),
  ]) {
    assert.throws(make, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ErrUnsupportedOp');
      assert.match(error.message, /tls\.kernel: this (?:kernel|system) has .*leave the option out/);
      return true;
    });
  }
});

const refused = (options: unknown, message: RegExp): void => {
  assert.throws(
    () => new ServerContexts(readServerOptions(options as TlsServerOptions)),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ErrInvalidOption');
      assert.match(error.message, message);
      return true;
    },
  );
};

suite('keys and certificates', () => {
  test('texts, bytes, paths, URLs and DER', () => {
    const der = createPrivateKey(family.leaf.key).export({
      type: 'pkcs8',
      format: 'der',
    }) as Buffer;
    const ways: TlsServerOptions[] = [
      usual,
      { key: files.key, cert: files.cert },
      { key: pathToFileURL(files.key), cert: pathToFileURL(files.cert) },
      { key: Buffer.from(family.leaf.key), cert: Buffer.from(chain) },
      { key: [der], cert: chain },
      { cert: family.leaf.key + chain },
      { key: { pem: family.leaf.key }, cert: chain },
    ];
    for (const options of ways) {
      const { client } = connect(options);
      assert.equal(client.session.failure, null);
      assert.ok(client.session.facts().authorized);
    }
  });

  test('an encrypted key', () => {
    const format = {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    } as const;
    const key = createPrivateKey(family.leaf.key).export(format).toString();
    assert.ok(connect({ key, cert: chain, passphrase: 'secret' }).client.open);
    assert.ok(connect({ key: { pem: key, passphrase: 'secret' }, cert: chain }).client.open);
    const path = file('encrypted.pem', key);
    refused({ key: path, cert: chain }, /encrypted\.pem: .*give its `passphrase`/);
    refused(
      { key: path, cert: chain, passphrase: 'wrong' },
      /encrypted\.pem: .*is the `passphrase` right/,
    );
  });

  test('two kinds of certificate: each client gets one that it can verify', () => {
    const rsa = makeFamily('rsa');
    const key = [rsa.leaf.key, family.leaf.key];
    const cert = [chain, rsa.leaf.cert + rsa.middle.cert];
    const ca = [family.root.cert, rsa.root.cert];
    for (const [ciphers, der] of [
      ['ECDHE-ECDSA-AES128-GCM-SHA256', family.leaf.der],
      ['ECDHE-RSA-AES128-GCM-SHA256', rsa.leaf.der],
    ] as const) {
      const { client } = connect({ key, cert }, { ca, ciphers });
      assert.deepEqual(client.session.facts().peerCertificate, der);
      assert.ok(client.session.facts().authorized);
    }
  });

  test('what does not belong together, by the names of the files', () => {
    const other = file('other.pem', family.client.key);
    refused(
      { key: other, cert: files.cert },
      /chain\.pem \(CN=localhost\) with the key of .*other\.pem: they do not belong together/,
    );
    const swapped = file('swapped.pem', family.middle.cert + family.leaf.cert);
    refused(
      { key: files.key, cert: swapped },
      /swapped\.pem .*the key fits another certificate of that file, whose own must stand first/,
    );
    refused({ key: files.key }, /cannot use the key of .*key\.pem: there is no certificate/);
    refused({ cert: files.cert }, /chain\.pem .*there is no private key/);
    refused({}, /cannot serve TLS without a certificate: give key and cert/);
  });

  test('what cannot be read', () => {
    refused({ key: '/nowhere/key.pem', cert: files.cert }, /'\/nowhere\/key\.pem' of key: ENOENT/);
    refused({ key: files.cert, cert: files.cert }, /chain\.pem as key: .*only CERTIFICATE/);
    refused({ key: files.key, cert: files.key }, /key\.pem as cert: .*only PRIVATE KEY/);
    const broken = file('broken.pem', chain.replace(/\n.{20}/, '\n'));
    refused({ key: files.key, cert: broken }, /cannot read a certificate of .*broken\.pem/);
    refused({ key: 5, cert: files.cert }, /key is a number; wanted is a path/);
    refused({ ...usual, crl: files.cert }, /chain\.pem as crl: .*only CERTIFICATE/);
    refused({ ...usual, pfx: files.cert }, /chain\.pem as pfx: it is no PKCS #12 file/);
  });

  test('warnings: expired, not yet valid, no chain, wrong order', () => {
    const day = 86_400_000;
    const made = (options: { notBefore?: Date; notAfter?: Date }) =>
      makeCertificate({ commonName: 'old', issuer: family.middle, ...options });
    const warningsOf = (cert: string, key: string): string =>
      readServerOptions({ key, cert, ca: family.root.cert }).warnings.join('\n');
    assert.equal(warningsOf(chain, family.leaf.key), '');
    const past = new Date(Date.now() - 5 * day);
    const expired = made({ notBefore: new Date(past.getTime() - day), notAfter: past });
    const path = file('expired.pem', expired.cert + family.middle.cert);
    assert.match(warningsOf(path, expired.key), /expired\.pem \(CN=old\) expired on .*renew it/);
    const future = made({
      notBefore: new Date(Date.now() + day),
      notAfter: new Date(Date.now() + 2 * day),
    });
    assert.match(
      warningsOf(future.cert + family.middle.cert, future.key),
      /is valid only from .* on/,
    );
    assert.match(
      warningsOf(family.leaf.cert, family.leaf.key),
      /ends with a certificate whose issuer \(CN=test middle\) is neither .*fullchain\.pem/,
    );
    assert.match(
      warningsOf(family.leaf.cert + family.root.cert + family.middle.cert, family.leaf.key),
      /certificate 2 of .* has not signed the one before it/,
    );
    const alone = makeCertificate({ commonName: 'alone' });
    assert.equal(warningsOf(alone.cert, alone.key), '');
  });

  const openssl = spawnSync('openssl', ['version']).status === 0;
  test('a PKCS #12 file', { skip: openssl ? false : 'no program openssl on this machine' }, () => {
    const path = join(folder, 'host.pfx');
    const args = ['pkcs12', '-export', '-inkey', files.key, '-in', files.cert, '-out', path];
    assert.equal(spawnSync('openssl', [...args, '-passout', 'pass:secret']).status, 0);
    const { client } = connect({ pfx: path, passphrase: 'secret' });
    assert.ok(client.session.facts().authorized);
    assert.ok(connect({ pfx: { buf: path, passphrase: 'secret' } }).client.open);
    refused({ pfx: path, passphrase: 'wrong' }, /host\.pfx as pfx: .*is the passphrase right/);
  });
});

suite('names and values', () => {
  test('what is not an option, or not a value of one', () => {
    refused(null, /cannot use null as option tls/);
    refused({ ...usual, certificate: '' }, /tls\.certificate: there is none of that name/);
    refused({ ...usual, ciphres: '' }, /did you mean ciphers\?/);
    refused(
      { ...usual, minVersion: 'TLSv1' },
      /"TLSv1" as option tls\.minVersion: give one of 'TLSv1\.2'/,
    );
    refused(
      { ...usual, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      /tls\.minVersion 'TLSv1\.3' with tls\.maxVersion 'TLSv1\.2'/,
    );
    refused(
      { ...usual, ciphers: 'ROT13' },
      /cannot use ciphers: OpenSSL .* takes nothing from 'ROT13'/,
    );
    refused({ ...usual, ciphers: 'TLS_AES_1' }, /cannot use ciphers: OpenSSL/);
    refused({ ...usual, ecdhCurve: 'circle' }, /cannot use ecdhCurve: OpenSSL/);
    refused({ ...usual, sigalgs: 'cross' }, /cannot use sigalgs: OpenSSL/);
    refused({ ...usual, ALPNProtocols: 'h2' }, /tls\.ALPNProtocols: give a list of names/);
    refused({ ...usual, ALPNProtocols: [''] }, /tls\.ALPNProtocols/);
    refused({ ...usual, requestCert: 1 }, /tls\.requestCert: give true or false/);
    refused({ ...usual, sessionTimeout: 0 }, /tls\.sessionTimeout: give a whole number/);
    refused({ ...usual, ticketKeys: Buffer.alloc(47) }, /ticketKeys: a key has 47 bytes/);
    refused({ ...usual, ticketKeys: [] }, /tls\.ticketKeys: give 48 or 80 bytes/);
    refused({ ...usual, handshakeTimeout: -1 }, /tls\.handshakeTimeout/);
    refused({ ...usual, keylog: true }, /tls\.keylog: give a function/);
    refused({ ...usual, contexts: { 'a b': usual } }, /'a b' in tls\.contexts: give a host name/);
    refused({ ...usual, contexts: { 'a.b': {} } }, /without a certificate for 'a\.b'/);
  });

  test('versions and ciphers are what both sides use', () => {
    for (const [options, protocol, cipher] of [
      [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2', /^ECDHE/],
      [{ ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }, 'TLSv1.3', /CHACHA20/],
      [{ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, 'TLSv1.2', /^ECDHE-ECDSA-AES128/],
    ] as const) {
      const { client } = connect({ ...usual, ...options });
      const facts = client.session.facts();
      assert.equal(facts.protocol, protocol);
      assert.match(facts.cipher.name, cipher);
    }
  });

  test('ticket keys of 48 bytes, as node:tls has them', () => {
    const ticketKeys = Buffer.alloc(48, 'key');
    const first = connect({ ...usual, ticketKeys });
    assert.ok(first.context.keepSession(first.client.session as never, 'localhost'));
    const second = new TlsEnd(first.context.open('localhost', 'localhost'));
    const other = new ServerContexts(readServerOptions({ ...usual, ticketKeys }));
    const server = new TlsEnd(new ServerSession(other));
    second.advance();
    exchange(second, server);
    assert.equal(server.session.facts().resumed, true);
    assert.equal(first.context.sessions.size, 0, 'a session is used once');
  });
});

suite('server names', () => {
  const named = (name: string, ...names: string[]) => {
    const leaf = makeCertificate({ commonName: name, names, issuer: family.middle });
    return { key: leaf.key, cert: leaf.cert + family.middle.cert, der: leaf.der };
  };
  const exact = named('exact', 'one.example.test');
  const wild = named('wild', '*.example.test');
  const called = named('called', 'called.test');
  const { der: _exact, ...exactOptions } = exact;
  const { der: _wild, ...wildOptions } = wild;
  const { der: _called, ...calledOptions } = called;

  const options: TlsServerOptions = {
    ...usual,
    contexts: { 'one.example.test': exactOptions, '*.Example.test': wildOptions },
    SNICallback: (name, callback) => {
      if (name === 'called.test') callback(null, calledOptions);
      else if (name === 'later.test') setImmediate(() => callback(null, null));
      else if (name === 'bad.test') callback(new Error('bad name'));
      else callback(null);
    },
  };

  test('exact before wildcard before SNICallback before the rest', () => {
    for (const [name, der] of [
      ['one.example.test', exact.der],
      ['two.example.test', wild.der],
      ['called.test', called.der],
      ['localhost', family.leaf.der],
      ['127.0.0.1', family.leaf.der],
    ] as const) {
      const { client, server } = connect(options, {}, name);
      assert.equal(client.session.failure, null, name);
      assert.deepEqual(client.session.facts().peerCertificate, der, name);
      const { serverName } = server.session as ServerSession;
      assert.equal(serverName, name === '127.0.0.1' ? undefined : name);
    }
  });

  test('a callback that answers later', async () => {
    const { client, server } = connect(options, { servername: 'later.test' }, 'localhost');
    const session = server.session as ServerSession;
    assert.equal(session.state, TlsState.Choosing);
    await new Promise<void>((resolve) => (session.onChosen = resolve));
    server.advance();
    exchange(client, server);
    assert.equal(
      (client.session.failure as { reason?: string } | null)?.reason,
      'HOSTNAME_MISMATCH',
    );
  });

  test('a name that is refused: both sides say so', () => {
    const { client, server } = connect(options, { servername: 'bad.test' });
    assert.match(server.session.failure?.message ?? '', /no context for the name bad\.test/);
    assert.equal((client.session.failure as { alert?: string } | null)?.alert, 'unrecognized_name');
    const onlyNamed = connect({ contexts: { 'one.example.test': exactOptions } }, {}, 'localhost');
    assert.match(onlyNamed.server.session.failure?.message ?? '', /which has no certificate here/);
    assert.equal(
      (onlyNamed.client.session.failure as { alert?: string } | null)?.alert,
      'unrecognized_name',
    );
  });

  test('an entry takes the rest of its options from around it', () => {
    const contexts = { 'one.example.test': exactOptions };
    const { server } = connect({ ...usual, contexts, requestCert: true }, {}, 'one.example.test');
    assert.equal(
      (server.session.failure as { alert?: string } | null)?.alert,
      'certificate_required',
    );
  });
});

suite('peers', () => {
  const asking = { ...usual, requestCert: true };

  test('a client with a certificate', () => {
    const client = { key: family.client.key, cert: family.client.cert + family.middle.cert };
    assert.equal(connect(asking, client).server.session.facts().authorized, true);
    const crl = [
      makeRevocationList(family.root, []),
      makeRevocationList(family.middle, [family.client]),
    ];
    const { server } = connect({ ...asking, crl }, client);
    assert.equal((server.session.failure as { reason?: string } | null)?.reason, 'CERT_REVOKED');
  });

  test("a client's own look at the server's certificate", () => {
    const seen: string[] = [];
    const { client, context } = connect(
      usual,
      {
        checkServerIdentity: (host, certificate) => {
          seen.push(`${host} ${certificate.subject.CN}`);
          return host === 'wanted.test' ? undefined : new Error('not the one');
        },
        servername: 'wanted.test',
      },
      'localhost',
    );
    assert.equal(context.identityError(client.session as never, 'localhost'), null);
    assert.deepEqual(seen, ['wanted.test localhost']);
    const other = connect(usual, { checkServerIdentity: () => new Error('not the one') });
    const error = other.context.identityError(other.client.session as never, 'localhost');
    assert.equal(error?.code, 'ErrTlsCertificate');
    assert.match(error?.message ?? '', /not accepted by checkServerIdentity: not the one/);
  });

  test('without ca the roots of the runtime are trusted', () => {
    const contexts = new ServerContexts(readServerOptions(usual));
    const context = new ClientContext();
    const [client, server] = [
      new TlsEnd(context.open('localhost', 'a')),
      new TlsEnd(new ServerSession(contexts)),
    ];
    client.advance();
    exchange(client, server);
    assert.equal(
      (client.session.failure as { reason?: string } | null)?.reason,
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    );
  });
});
