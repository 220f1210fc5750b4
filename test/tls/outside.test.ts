/** Clients that nobody here wrote. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { EventHandler } from 'gnet';
import { missing, runClient } from '../support/outside-client.ts';
import { EchoHandler } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startTls, writeFiles } from './tls-rig.ts';

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const http: EventHandler = {
  react(request, c) {
    if (!String(request).startsWith('GET /')) return null;
    c.asyncWrite('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n');
    return null;
  },
};

describe('clients that nobody here wrote', () => {
  for (const version of ['1.2', '1.3']) {
    test(`curl, TLS ${version}`, { skip: missing('curl') }, async (t) => {
      const files = writeFiles(t);
      const rig = await startTls(t, http, { tls: { ALPNProtocols: ['http/1.1'] } });
      const only = ['--tlsv1.3', '--tls-max', '1.3'];
      const { code, stdout, stderr } = await runClient('curl', [
        ...(version === '1.2' ? ['--tls-max', '1.2'] : only),
        '--silent',
        '--show-error',
        '--cacert',
        files.ca,
        '--resolve',
        `localhost:${portOf(rig.server.addr)}:127.0.0.1`,
        `https://localhost:${portOf(rig.server.addr)}/`,
      ]);
      assert.equal(stderr, '');
      assert.deepEqual([code, stdout.toString()], [0, 'hello\n']);
      await waitUntil(() => rig.events.length === 3, 'closed');
    });

    test(`openssl s_client, TLS ${version}, with a new session and a resumed one`, {
      skip: missing('openssl'),
    }, async (t) => {
      const files = writeFiles(t);
      const session = join(files.directory, 'session.pem');
      const rig = await startTls(t, { onOpened: () => 'hi\n', react: (frame) => frame });
      const run = (...more: string[]) =>
        runClient('sh', [
          '-c',
          `(sleep 0.5; echo Q) | openssl s_client -connect ${rig.server.addr} -servername localhost ` +
            `-CAfile ${files.ca} -tls${version.replace('.', '_')} ${more.join(' ')}`,
        ]);
      const first = (await run('-sess_out', session)).stdout.toString();
      assert.match(first, /Verification: OK/);
      assert.match(first, /^New, /m);
      const second = (await run('-sess_in', session)).stdout.toString();
      assert.match(second, /^Reused, /m);
    });

    test(`Python ssl, TLS ${version}`, { skip: missing('python3') }, async (t) => {
      const files = writeFiles(t);
      const rig = await startTls(t, new EchoHandler());
      const args = [here('echo-client.py'), portOf(rig.server.addr), files.ca];
      const name = `TLSv${version.replace('.', '_')}`;
      const data = Buffer.alloc(300_000, 'python ');
      const { stdout, stderr } = await runClient('python3', [...args, name], data);
      assert.equal(stderr, '');
      assert.equal(stdout.toString().trim(), `TLSv${version} True`);
      await waitUntil(() => rig.events.length === 3, 'closed');
      assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    });

    test(`Go crypto/tls, TLS ${version}, resumed`, { skip: missing('go') }, async (t) => {
      const files = writeFiles(t);
      const rig = await startTls(t, new EchoHandler());
      const args = ['run', here('go-client/main.go'), rig.server.addr, files.ca, version];
      const env = { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off' };
      const { stdout, stderr } = await runClient('go', args, '', { env });
      const number = version === '1.2' ? '303' : '304';
      assert.equal(stderr, '');
      assert.equal(stdout.toString(), `${number} true false\n${number} true true\n`);
    });

    test(`gnutls-cli, TLS ${version}`, { skip: missing('gnutls-cli') }, async (t) => {
      const files = writeFiles(t);
      const rig = await startTls(t, new EchoHandler());
      const { stdout } = await runClient('sh', [
        '-c',
        `(echo over and back; sleep 1) | gnutls-cli --x509cafile ${files.ca} --port ` +
          `${portOf(rig.server.addr)} --priority NORMAL:-VERS-ALL:+VERS-TLS${version} localhost`,
      ]);
      assert.match(stdout.toString(), /over and back/);
    });
  }

  test('curl over plain http is told apart', { skip: missing('curl') }, async (t) => {
    const rig = await startTls(t, http);
    const { code } = await runClient('curl', ['--silent', `http://${rig.server.addr}/`]);
    assert.notEqual(code, 0);
    await waitUntil(() => rig.reports.length === 1, 'reported');
    assert.match(String(rig.reports[0]?.err), /speaks HTTP without TLS/);
  });
});
