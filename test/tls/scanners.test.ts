/** What programs find that look for weak servers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing, runClient } from '../support/outside-client.ts';
import { EchoHandler, temporaryDirectory } from '../support/rig.ts';
import { startTls } from './tls-rig.ts';

/** GNET_PYTHON names one that has the packages. */
const python = process.env['GNET_PYTHON'] || 'python3';
const found = spawnSync(python, ['-c', 'import sslyze'], { stdio: 'ignore' });
const noSslyze = found.status !== 0 && 'sslyze is not installed (pip install sslyze)';

/** What docs/tls.md recommends to who wants no mark of any of them. */
const strict = {
  ciphers:
    'ECDHE+AESGCM:ECDHE+CHACHA20:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256',
  ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
};

interface Scan {
  readonly status: string;
  readonly result: Readonly<Record<string, unknown>>;
}

interface Report {
  readonly server_scan_results: readonly {
    readonly scan_result: Readonly<Record<string, Scan>>;
  }[];
}

describe('scanners', () => {
  test('sslyze: versions, known holes, and the profile of Mozilla', {
    skip: noSslyze,
  }, async (t) => {
    const rig = await startTls(t, new EchoHandler(), { tls: strict });
    const file = join(temporaryDirectory(t), 'report.json');
    const args = ['-m', 'sslyze', `--json_out=${file}`, rig.server.addr];
    const { stdout } = await runClient(python, args);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const scans = report.server_scan_results[0]?.scan_result ?? {};
    const of = (name: string): Scan['result'] => (scans[name] as Scan).result;
    for (const old of ['ssl_2_0', 'ssl_3_0', 'tls_1_0', 'tls_1_1']) {
      assert.deepEqual(of(`${old}_cipher_suites`)['accepted_cipher_suites'], [], old);
    }
    for (const version of ['tls_1_2', 'tls_1_3']) {
      const accepted = of(`${version}_cipher_suites`)['accepted_cipher_suites'] as unknown[];
      assert.ok(accepted.length > 0, version);
    }
    assert.equal(of('tls_compression')['supports_compression'], false);
    assert.equal(of('heartbleed')['is_vulnerable_to_heartbleed'], false);
    assert.equal(of('openssl_ccs_injection')['is_vulnerable_to_ccs_injection'], false);
    const renegotiation = of('session_renegotiation');
    assert.equal(renegotiation['is_vulnerable_to_client_renegotiation_dos'], false);
    assert.equal(renegotiation['supports_secure_renegotiation'], true);
    assert.equal(of('tls_fallback_scsv')['supports_fallback_scsv'], true);
    // Of the profile it finds fault with the certificate of the test alone.
    const text = stdout.toString();
    assert.match(text, /\* certificate_path_validation/);
    assert.doesNotMatch(text, /\* (?:ciphers|tls_curves|tls_versions)/);
  });

  test('sslscan: TLS 1.2 and 1.3 only, without renegotiation and compression', {
    skip: missing('sslscan'),
  }, async (t) => {
    const rig = await startTls(t, new EchoHandler(), { tls: strict });
    const { stdout } = await runClient('sslscan', ['--no-colour', rig.server.addr]);
    const text = stdout.toString();
    assert.match(text, /^TLSv1\.1 +disabled$/m);
    assert.match(text, /^TLSv1\.2 +enabled$/m);
    assert.match(text, /^TLSv1\.3 +enabled$/m);
    assert.match(text, /Session renegotiation not supported/);
    assert.doesNotMatch(text, /^TLSv1\.\d vulnerable to heartbleed/m);
    assert.doesNotMatch(text, /-SHA /);
  });

  const testssl = ['testssl', 'testssl.sh'].find((name) => !missing(name));
  test('testssl.sh: no severity above LOW', {
    skip: testssl === undefined && 'testssl.sh is not installed',
  }, async (t) => {
    const rig = await startTls(t, new EchoHandler(), { tls: strict });
    const file = join(temporaryDirectory(t), 'report.json');
    // What takes it a minute and more is left to the other two.
    const what = ['--protocols', '--renegotiation'];
    const how = ['--quiet', '--color', '0', '--jsonfile', file];
    await runClient(testssl as string, [...how, ...what, rig.server.addr]);
    const findings = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly id: string;
      readonly severity: string;
      readonly finding: string;
    }[];
    const bad = findings.filter(({ severity }) => /MEDIUM|HIGH|CRITICAL|FATAL/.test(severity));
    assert.deepEqual(bad, []);
    assert.ok(findings.some(({ id, finding }) => id === 'TLS1_3' && /offered/.test(finding)));
  });
});
