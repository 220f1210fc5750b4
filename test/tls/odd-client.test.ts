/** A client of tlslite-ng (PyPI): records of any size, new keys, alerts, records that are wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runClient } from '../support/outside-client.ts';
import { EchoHandler, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startTls } from './tls-rig.ts';

/** GNET_PYTHON names one that has the packages. */
const python = process.env['GNET_PYTHON'] || 'python3';
const found = spawnSync(python, ['-c', 'import tlslite'], { stdio: 'ignore' });
const skip = found.status !== 0 && 'tlslite-ng is not installed (pip install tlslite-ng)';
const script = fileURLToPath(new URL('odd-client.py', import.meta.url));

async function run(t: TestScope, what: string, version: string, record = 16_384) {
  const rig = await startTls(t, new EchoHandler());
  const port = rig.server.addr.split(':').at(-1) as string;
  const { stdout, stderr } = await runClient(python, [script, port, what, version, `${record}`]);
  assert.equal(stderr, '');
  await waitUntil(() => rig.events.length === 3, 'closed');
  return { said: stdout.toString().trim(), end: rig.events[2] };
}

describe('tlslite-ng', { skip }, () => {
  for (const version of ['1.2', '1.3']) {
    for (const record of [1, 7, 300, 16_384]) {
      test(`TLS ${version}: records of ${record} bytes, those of the handshake, too`, async (t) => {
        const { said, end } = await run(t, 'echo', version, record);
        assert.deepEqual([said, end], ['echo True', 'closed']);
      });
    }
    test(`TLS ${version}: an alert, and a record that nobody can decrypt`, async (t) => {
      const alert = await run(t, 'alert-80', version);
      assert.deepEqual([alert.said, alert.end], ['alert sent', 'closed(ErrTlsAlert)']);
      const garbage = await run(t, 'garbage', version);
      const badRecordMac = 20;
      const answer = [`garbage ${badRecordMac}`, 'closed(ErrTlsRecord)'];
      assert.deepEqual([garbage.said, garbage.end], answer);
    });
  }

  test('TLS 1.3: new keys before each message, and asked for', async (t) => {
    const { said, end } = await run(t, 'keys', '1.3');
    assert.deepEqual([said, end], ['keys True', 'closed']);
  });
});
