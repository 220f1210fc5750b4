import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import type { HandshakePlan, HandshakeResult } from './handshake-clients.ts';
import { mustBeFlat, settledState } from './process-state.ts';

/** An `SSL` takes some 20 KiB: one forgotten in a hundred handshakes would be 18 MiB. */
const allowedBytes = 12 * 1_024 * 1_024;
/** The small form compares within the first thousand, while code is still being compiled. */
const allowedBytesSmall = 40 * 1_024 * 1_024;

/** Of all, as the clients choose. */
const wholeShare = 2 / 3;

/** Objects of OpenSSL that this thread holds. */
async function nativeObjects(): Promise<string> {
  const { loadEngine } = await import('../../src/connection/tls/load-engine.ts');
  if ((await loadEngine()).about.engine === 'node:tls') return '0 SSL, 0 SSL_CTX';
  const { sessionCounters } = await import('../../src/tls/openssl/session.ts');
  const { contextCounters } = await import('../../src/tls/openssl/context.ts');
  return `${sessionCounters.live} SSL, ${contextCounters.live} SSL_CTX`;
}

async function run({ small, seed, setting, progress, note }: SoakContext): Promise<void> {
  const { leaf, middle, root } = makeFamily();
  let opened = 0;
  let closed = 0;
  const server = await serve(
    { onOpened: () => void opened++, onClosed: () => void closed++, react: (frame) => frame },
    'tls://127.0.0.1:0',
    {
      // A machine that stops us all for a minute makes no slow peers.
      tls: { key: leaf.key, cert: leaf.cert + middle.cert, handshakeTimeout: 3_600_000 },
      logLevel: 'fatal',
    },
  );
  const clients = new ClientProcess('handshake-clients.ts');
  const connections = setting('handshakes', small ? 600 : 100_000);
  const rounds = 10;
  const timer = setInterval(
    () => progress(Math.min(1, opened / (connections * wholeShare)), `${opened} whole handshakes`),
    500,
  );
  const sum = { whole: 0, resumed: 0, aborted: 0 };
  try {
    const inOrder = async (round: number): Promise<void> => {
      const plan: HandshakePlan = {
        address: server.addr,
        ca: root.cert,
        connections: connections / rounds,
        seed: seed + round,
      };
      const { whole, resumed, aborted } = await clients.call<HandshakeResult>(plan);
      sum.whole += whole;
      sum.resumed += resumed;
      sum.aborted += aborted;
      while (server.countConnections() > 0) await sleep(10);
    };
    await inOrder(0);
    const before = await settledState();
    const objectsBefore = await nativeObjects();
    for (let round = 1; round < rounds; round++) await inOrder(round);
    const after = await settledState();
    const objects = await nativeObjects();
    if (objects !== objectsBefore) throw new Error(`${objectsBefore} before, ${objects} after`);
    if (opened < sum.whole || opened !== closed) {
      throw new Error(`${sum.whole} were whole: ${opened} opened, ${closed} closed`);
    }
    const facts = mustBeFlat(before, after, small ? allowedBytesSmall : allowedBytes);
    const { whole, resumed, aborted } = sum;
    note(`${whole} whole (${resumed} resumed), ${aborted} aborted; ${objects}; ${facts}`);
  } finally {
    clearInterval(timer);
    await clients.end();
    await server.close();
  }
}

export const handshakes: Soak = {
  name: 'handshakes',
  title: '100,000 handshakes of TLS, a third of them aborted',
  run,
};
