/**
 * The cases of Autobahn's test suite, driven by kosoku (PyPI), where that is installed. Without the parts
 * that take minutes (limits and performance, compression in all its sizes): those are run by hand.
 */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { WebSocketConn } from 'gnet/websocket';
import { missing, runClient } from '../support/outside-client.ts';
import { temporaryDirectory } from '../support/rig.ts';
import { startWs } from './ws-rig.ts';

const LONG = ['9.*', '12.*', '13.*'];

/** GNET_PYTHON names one that has it beside itself. */
const { GNET_PYTHON: python = '' } = process.env;
const kosoku = python === '' ? 'kosoku' : join(dirname(python), 'kosoku');

test('Autobahn finds nothing', { skip: missing(kosoku) }, async (t) => {
  const echo = { message: (_ws: WebSocketConn, data: Buffer) => data };
  const rig = await startWs(t, echo);
  const excluded = LONG.flatMap((cases) => ['-x', cases]);
  const { stdout, stderr } = await runClient(
    kosoku,
    ['-m', 'fuzzingclient', '-p', '4', ...excluded, rig.server.addr],
    '',
    { cwd: temporaryDirectory(t) },
  );
  const output = stdout.toString() + stderr;
  const [, passed] = /^(\d+) cases passed$/m.exec(output) ?? [];
  assert.ok(Number(passed) > 200, output.slice(-1_000));
  assert.doesNotMatch(output, /failed/i);
});
