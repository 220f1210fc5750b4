/** What `gnet new` writes. */
import { chat } from './template-chat.ts';
import { gateway } from './template-gateway.ts';
import type { Template } from './template.ts';

const echo: Template = {
  what: 'Sends back what it receives.',
  ports: [9000],
  attempt: 'printf hello | nc -q1 127.0.0.1 9000',
  files: {
    'handler.ts': `import type { EventHandler } from 'gnet';

/** Sends back what it receives. */
export const handler: EventHandler = {
  react: (frame) => frame,
};
`,
    'main.ts': `import { serve } from 'gnet';
import { handler } from './handler.ts';

const server = await serve(handler, process.env['ADDRESS'] ?? 'tcp://:9000');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop());
}
console.log(\`listening on \${server.addr}\`);
`,
    'handler.test.ts': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { handler } from './handler.ts';

test('sends back what it receives', async (t) => {
  const server = await serve(handler, 'tcp://127.0.0.1:0');
  t.after(() => server.close());
  const client = await RawClient.connect(server.addr);
  client.write('hello');
  assert.equal(String(await client.readExactly(5)), 'hello');
  client.destroy();
});
`,
  },
};

const http: Template = {
  what: 'Answers HTTP requests.',
  ports: [8080],
  attempt: 'curl http://127.0.0.1:8080/',
  files: {
    'handler.ts': `import type { FetchHandler } from 'gnet/http';

export const app: FetchHandler = {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET' && pathname === '/') return new Response('Hello\\n');
    if (request.method === 'GET' && pathname === '/health') return Response.json({ ok: true });
    if (request.method === 'POST' && pathname === '/echo') {
      return new Response(await request.text());
    }
    return new Response('There is nothing here.\\n', { status: 404 });
  },
};
`,
    'main.ts': `import { serveHttp } from 'gnet/http';
import { app } from './handler.ts';

const server = await serveHttp(app, process.env['ADDRESS'] ?? 'tcp://:8080');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop());
}
console.log(\`listening on \${server.addr}\`);
`,
    'handler.test.ts': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveHttp } from 'gnet/http';
import { app } from './handler.ts';

test('greets, echoes, and says what is not there', async (t) => {
  const server = await serveHttp(app, 'tcp://127.0.0.1:0');
  t.after(() => server.close());
  const base = \`http://\${server.addr}\`;
  assert.equal(await (await fetch(\`\${base}/\`)).text(), 'Hello\\n');
  const echoed = await fetch(\`\${base}/echo\`, { method: 'POST', body: 'hello' });
  assert.equal(await echoed.text(), 'hello');
  assert.equal((await fetch(\`\${base}/none\`)).status, 404);
});
`,
  },
};

export const templates: ReadonlyMap<string, Template> = new Map([
  ['echo', echo],
  ['chat', chat],
  ['gateway', gateway],
  ['http', http],
]);

/** The same for every template, but for names and ports. */
export function deployment(
  name: string,
  { what, ports, attempt }: Template,
): Readonly<Record<string, string>> {
  return {
    'README.md': `# ${name}

${what} Made with \`npx gnet new\`; it stands on [gnet](https://www.npmjs.com/package/gnet).

    npm install
    npm test
    npm start

Then, in another terminal:

    ${attempt}

- \`handler.ts\` has what the server does, \`main.ts\` where it listens.
- \`docker build -t ${name} . && docker run ${ports.map((port) => `-p ${port}:${port}`).join(' ')} ${name}\`
- For systemd: copy this folder to \`/opt/${name}\` and \`${name}.service\` to \`/etc/systemd/system/\`,
  then \`systemctl enable --now ${name}\`.
`,
    '.dockerignore': 'node_modules\n.git\n',
    '.gitignore': 'node_modules\n',
    Dockerfile: `FROM node:26-slim
WORKDIR /app
COPY package*.json ./
RUN npm install --omit=dev && npm cache clean --force
COPY . .
ENV NODE_ENV=production
USER node
EXPOSE ${ports.join(' ')}
# Not by npm, which does not pass signals on: \`docker stop\` ends the server in order.
CMD ["node", "main.ts"]
`,
    [`${name}.service`]: `[Unit]
Description=${name}
After=network.target

[Service]
WorkingDirectory=/opt/${name}
ExecStart=/usr/bin/env node main.ts
Environment=NODE_ENV=production
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
LimitNOFILE=1048576
Restart=on-failure
TimeoutStopSec=15

[Install]
WantedBy=multi-user.target
`,
  };
}
