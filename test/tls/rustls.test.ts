/** Clients and servers of rustls. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { startClient } from '../support/client-rig.ts';
import { runClient } from '../support/outside-client.ts';
import { EchoHandler, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { rustlsPeer } from './rustls/build.ts';
import { ca, clientIdentity, startTls, writeFiles } from './tls-rig.ts';

const skip = !existsSync(rustlsPeer) && 'the peer is not built: node test/tls/rustls/build.ts';

/** Plaintext of a record: what rustls makes at least, odd ones, and a whole one. */
const recordSizes = [32, 100, 16_384] as const;

/** With the files of a client, too. */
function allFiles(t: TestScope) {
  const files = writeFiles(t);
  const clientCert = join(files.directory, 'client.pem');
  const clientKey = join(files.directory, 'client-key.pem');
  writeFileSync(clientCert, clientIdentity.cert);
  writeFileSync(clientKey, clientIdentity.key);
  return { ...files, clientCert, clientKey };
}

describe('rustls', { skip }, () => {
  for (const version of ['1.2', '1.3'] as const) {
    for (const record of recordSizes) {
      test(`its client, TLS ${version}, records of ${record} bytes, a new session and a resumed one`, async (t) => {
        const seen: unknown[] = [];
        const echo = new EchoHandler();
        const handler = {
          react: (frame: Buffer | null) => echo.react(frame),
          onOpened: (c: import('gnet').Conn) => void seen.push(c.tls?.authorized),
        };
        const rig = await startTls(t, handler, {
          tls: { ALPNProtocols: ['h2', 'echo'], requestCert: true, rejectUnauthorized: false },
        });
        const { ca: root, clientCert, clientKey } = allFiles(t);
        const address = rig.server.addr;
        const own = record === 100 ? [] : [clientCert, clientKey];
        const args = ['client', address, root, version, String(record), ...own];
        const { stdout, stderr } = await runClient(rustlsPeer, args);
        assert.equal(stderr, '');
        const name = `TLSv${version.replace('.', '_')}`;
        assert.equal(stdout.toString(), `${name} true Full echo\n${name} true Resumed echo\n`);
        await waitUntil(() => rig.events.length === 5, 'both closed');
        assert.deepEqual(rig.events.slice(1).sort(), ['closed', 'closed', 'open', 'open']);
        assert.deepEqual(seen, Array(2).fill(own.length > 0));
      });
    }
    test(`its server, TLS ${version}, resumed, with a client certificate`, async (t) => {
      const files = allFiles(t);
      for (const record of recordSizes) {
        const args = ['server', files.cert, files.key, files.ca, String(record)];
        const server = spawn(rustlsPeer, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        t.after(() => server.kill());
        const [line] = (await once(server.stdout, 'data')) as [Buffer];
        const address = `tls://localhost:${String(line).trim().split(':').at(-1)}`;
        const got: Buffer[] = [];
        const { client } = await startClient(
          t,
          { react: (frame) => void got.push(Buffer.from(frame as Buffer)) },
          {
            tls: {
              ca,
              ...clientIdentity,
              maxVersion: `TLSv${version}`,
              ALPNProtocols: ['echo'],
            },
          },
        );
        const sent = Buffer.alloc(100_000, 'over and back ');
        for (const resumed of [false, true]) {
          got.length = 0;
          const c = await client.dial(address);
          assert.equal(c.tls?.protocol, `TLSv${version}`);
          assert.equal(c.tls?.alpnProtocol, 'echo');
          assert.equal(c.tls?.resumed, resumed);
          c.asyncWrite(sent);
          const length = () => got.reduce((sum, one) => sum + one.length, 0);
          await waitUntil(() => length() === sent.length, 'the echo');
          assert.ok(Buffer.concat(got).equals(sent));
          c.close();
          await waitUntil(() => client.countConnections() === 0, 'closed');
        }
      }
    });
  }
});
