import type { Template } from './template.ts';

export const gateway: Template = {
  what: 'Takes values from devices over TCP, and shows the newest ones and metrics over HTTP.',
  ports: [9000, 8080],
  attempt: `echo '{"device":"oven","value":180}' | nc -q1 127.0.0.1 9000; curl http://127.0.0.1:8080/devices`,
  files: {
    'handler.ts': `import { EventServer, LineBasedFrameCodec, type Server } from 'gnet';
import type { FetchHandler } from 'gnet/http';
import { openMetrics, openMetricsType } from 'gnet/metrics';

export const codec = new LineBasedFrameCodec();
/** More devices than this are refused, so that nobody fills the memory. */
const devicesMax = 100_000;

interface Reading {
  readonly device: string;
  readonly value: number;
}

function readingOf(line: string): Reading | null {
  try {
    const { device, value } = JSON.parse(line);
    const isRight = typeof device === 'string' && device !== '' && Number.isFinite(value);
    return isRight ? { device, value } : null;
  } catch {
    return null;
  }
}

/** Devices send lines such as {"device":"oven","value":180}, and get a line for each. */
export class Devices extends EventServer {
  readonly newest = new Map<string, number>();

  override react(frame: Buffer | null) {
    if (frame === null) return null;
    const reading = readingOf(String(frame));
    if (reading === null) return 'not understood';
    const { device, value } = reading;
    if (!this.newest.has(device) && this.newest.size >= devicesMax) return 'too many devices';
    this.newest.set(device, value);
    return 'ok';
  }
}

/** What is known, over HTTP. */
export function pages(devices: Devices, server: Server): FetchHandler {
  return {
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/devices') return Response.json(Object.fromEntries(devices.newest));
      if (pathname === '/metrics') {
        return new Response(openMetrics(server), { headers: { 'Content-Type': openMetricsType } });
      }
      return new Response('There is nothing here.\\n', { status: 404 });
    },
  };
}
`,
    'main.ts': `import { serve } from 'gnet';
import { serveHttp } from 'gnet/http';
import { codec, Devices, pages } from './handler.ts';

const devices = new Devices();
const server = await serve(devices, process.env['ADDRESS'] ?? 'tcp://:9000', {
  codec,
  idleTimeout: 300_000,
});
const page = await serveHttp(pages(devices, server), process.env['HTTP_ADDRESS'] ?? 'tcp://:8080');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.all([server.stop(), page.stop()]));
}
console.log(\`listening on \${server.addr}, pages on \${page.addr}\`);
`,
    'handler.test.ts': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from 'gnet';
import { serveHttp } from 'gnet/http';
import { RawClient } from 'gnet/testing';
import { codec, Devices, pages } from './handler.ts';

test('the newest value of a device is shown, and what is no reading is said', async (t) => {
  const devices = new Devices();
  const server = await serve(devices, 'tcp://127.0.0.1:0', { codec });
  t.after(() => server.close());
  const page = await serveHttp(pages(devices, server), 'tcp://127.0.0.1:0');
  t.after(() => page.close());

  const client = await RawClient.connect(server.addr);
  client.write('{"device":"oven","value":180}\\n{"device":"oven","value":181}\\nhello\\n');
  client.end();
  const answers = String(await client.readUntilEnd());
  assert.deepEqual(answers.split(/\\r?\\n/), ['ok', 'ok', 'not understood', '']);

  const shown = await fetch(\`http://\${page.addr}/devices\`);
  assert.deepEqual(await shown.json(), { oven: 181 });
  const metrics = await (await fetch(\`http://\${page.addr}/metrics\`)).text();
  assert.match(metrics, /^gnet_frames_total\\{[^}]*\\} 3$/m);
});
`,
  },
};
