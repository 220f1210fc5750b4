/** Servers that nobody here wrote, and our client: both versions, a new session and a resumed one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { EventHandler } from 'gnet';
import { freePort } from '../support/free-port.ts';
import { startClient } from '../support/client-rig.ts';
import { missing } from '../support/outside-client.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { ca, clientIdentity, writeFiles } from './tls-rig.ts';

type Version = '1.2' | '1.3';

/** A server of another program. */
interface Outside {
  readonly name: string;
  readonly program: string;
  readonly args: (files: ReturnType<typeof writeFiles>, version: Version, port: number) => string[];
  readonly env?: NodeJS.ProcessEnv;
  /** It listens on the port that it is given, and prints none. */
  readonly takesPort?: boolean;
  readonly alpn: string | false;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const servers: readonly Outside[] = [
  {
    name: 'Go crypto/tls',
    program: 'go',
    args: ({ cert, key, ca: root }, version) => [
      ...['run', here('go-client/main.go'), 'server', cert, key, root, version],
    ],
    env: { GOFLAGS: '-mod=mod', GO111MODULE: 'off' },
    alpn: 'echo',
  },
  {
    name: 'Python ssl',
    program: 'python3',
    args: ({ cert, key, ca: root }, version) => [
      ...[here('echo-server.py'), cert, key, root, `TLSv${version.replace('.', '_')}`],
    ],
    alpn: 'echo',
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    args: ({ cert, key, ca: root }, version, port) => [
      ...['--echo', '--quiet', '--port', `${port}`, '--require-client-cert'],
      ...['--x509certfile', cert, '--x509keyfile', key, '--x509cafile', root],
      ...['--priority', `NORMAL:-VERS-ALL:+VERS-TLS${version}`],
    ],
    takesPort: true,
    alpn: false,
  },
];

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await new Promise<boolean>((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  socket.destroy();
  return connected;
}

/** Starts it; resolves with its port. It ends with the test, and all that it has started. */
async function start(t: TestScope, outside: Outside, version: Version): Promise<number> {
  const port = outside.takesPort ? await freePort() : 0;
  const child = spawn(outside.program, outside.args(writeFiles(t), version, port), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...outside.env },
    detached: true,
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  t.after(() => process.kill(-(child.pid as number)));
  if (!outside.takesPort) {
    const ended = once(child, 'close').then(() => assert.fail(errors));
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
    return Number(String(line));
  }
  child.stdout.resume();
  while (!(await listens(port))) await sleep(20);
  return port;
}

describe('servers that nobody here wrote', () => {
  for (const outside of servers) {
    for (const version of ['1.2', '1.3'] as const) {
      const title = `${outside.name}, TLS ${version}, with a client certificate, resumed`;
      test(title, { skip: missing(outside.program) }, async (t) => {
        const port = await start(t, outside, version);
        let received = '';
        const handler: EventHandler = {
          react(frame) {
            received += String(frame);
          },
        };
        const { client, events } = await startClient(t, handler, {
          tls: { ca, ...clientIdentity, ALPNProtocols: ['echo'] },
        });
        const line = `${'over and back '.repeat(3_000)}\n`;
        for (const resumed of [false, true]) {
          received = '';
          const c = await client.dial(`tls://localhost:${port}`);
          assert.equal(c.tls?.protocol, `TLSv${version}`);
          assert.equal(c.tls?.alpnProtocol, outside.alpn);
          assert.equal(c.tls?.resumed, resumed);
          c.asyncWrite(line);
          await waitUntil(() => received.length >= line.length, 'the echo');
          assert.equal(received, line);
          c.close();
          await waitUntil(() => client.countConnections() === 0, 'closed');
        }
        assert.deepEqual(events, ['init', 'open', 'closed', 'open', 'closed']);
      });
    }
  }
});
