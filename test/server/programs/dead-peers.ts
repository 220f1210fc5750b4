/**
 * In a network of its own, as root: peers that are gone without a word, because nothing reaches them any
 * more, are found by keep-alive. One of them had ended its side, the other had not.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { serve } from 'gnet';

const link = (state: 'up' | 'down'): void => {
  const { status, stderr } = spawnSync('ip', ['link', 'set', 'lo', state], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the link does not go ${state}: ${stderr}`);
};

link('up');
writeFileSync('/proc/sys/net/ipv4/tcp_keepalive_probes', '2');
let ends = 0;
let opened = 0;
let closed = 0;
const server = await serve(
  {
    onOpened: () => void opened++,
    onEnd(c) {
      c.context = 'half closed';
      ends++;
    },
    onClosed(c, error) {
      const { code } = (error ?? {}) as { readonly code?: string };
      console.log(`closed ${c.context ?? 'open'} ${code}`);
      closed++;
      if (closed === 2) void finish();
    },
  },
  'tcp://127.0.0.1:0',
  { allowHalfOpen: true, tcpKeepAlive: 1, logLevel: 'silent' },
);

async function finish(): Promise<void> {
  console.log(`connections ${server.countConnections()}`);
  await server.stop({ timeout: 100 });
  process.exit(0);
}

const port = Number(server.addr.split(':')[1]);
const dial = () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
const open = dial();
const halfClosed = dial();
halfClosed.end();
for (const client of [open, halfClosed]) client.resume();
const timer = setInterval(() => {
  if (opened < 2 || ends < 1) return;
  clearInterval(timer);
  link('down');
  console.log('the link is down');
}, 10);
