import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kernelTlsMissing } from './kernel-tls.ts';

test('the list of the kernel says whether it has TLS', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tcp_available_ulp');
  assert.match(kernelTlsMissing(file) ?? '', /no TLS in its kernel/);
  writeFileSync(file, 'espintcp mptcp\n');
  assert.match(kernelTlsMissing(file) ?? '', /has 'espintcp mptcp'; 'modprobe tls'/);
  writeFileSync(file, 'mptcp tls\n');
  assert.equal(kernelTlsMissing(file), null);
});
