import type { Template } from './template.ts';

export const chat: Template = {
  what: 'A chat: the first line is a name, and every other line goes to everybody.',
  ports: [9000],
  attempt: 'nc 127.0.0.1 9000',
  files: {
    'handler.ts': `import { type Conn, EventServer, LineBasedFrameCodec } from 'gnet';

export const codec = new LineBasedFrameCodec();

type Guest = Conn<string | undefined>;

/** The first line of a guest is a name; every other line goes to everybody. */
export class Chat extends EventServer<Buffer, string | undefined> {
  readonly #guests = new Set<Guest>();

  override onOpened(_guest: Guest) {
    return 'Your name?\\n';
  }

  override react(frame: Buffer | null, guest: Guest) {
    const line = String(frame ?? '').trim();
    if (line === '') return;
    if (guest.context !== undefined) {
      this.#tell(\`\${guest.context}: \${line}\`);
      return;
    }
    guest.context = line;
    this.#guests.add(guest);
    this.#tell(\`\${line} is here\`);
  }

  override onClosed(guest: Guest) {
    if (this.#guests.delete(guest)) this.#tell(\`\${guest.context} has left\`);
  }

  #tell(line: string) {
    for (const guest of this.#guests) guest.asyncWrite(line);
  }
}
`,
    'main.ts': `import { serve } from 'gnet';
import { Chat, codec } from './handler.ts';

const address = process.env['ADDRESS'] ?? 'tcp://:9000';
const server = await serve(new Chat(), address, { codec });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop());
}
console.log(\`listening on \${server.addr}\`);
`,
    'handler.test.ts': `import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { serve } from 'gnet';
import { Chat, codec } from './handler.ts';

test('a line goes to everybody who has said a name', async (t) => {
  const server = await serve(new Chat(), 'tcp://127.0.0.1:0', { codec });
  t.after(() => server.close());

  const visit = () => {
    const socket = connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
    t.after(() => socket.destroy());
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    return { socket, line: async () => (await lines.next()).value };
  };

  const anna = visit();
  assert.equal(await anna.line(), 'Your name?');
  anna.socket.write('Anna\\n');
  assert.equal(await anna.line(), 'Anna is here');
  const ben = visit();
  assert.equal(await ben.line(), 'Your name?');
  ben.socket.write('Ben\\n');
  assert.equal(await anna.line(), 'Ben is here');
  assert.equal(await ben.line(), 'Ben is here');
  ben.socket.write('hello\\n');
  assert.equal(await anna.line(), 'Ben: hello');
  ben.socket.destroy();
  assert.equal(await anna.line(), 'Ben has left');
});
`,
  },
};
