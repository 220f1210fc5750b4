/** `npx gnet`: what it prints, and how it ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { inspect } from 'gnet/inspect';
import { missing, runClient } from '../support/outside-client.ts';
import { nodeFlags } from '../support/program.ts';
import { connect, EchoHandler, startRig, temporaryDirectory } from '../support/rig.ts';

const command = fileURLToPath(new URL('../../src/command/gnet.ts', import.meta.url));

async function gnet(args: readonly string[], cwd?: string) {
  const all = [...nodeFlags, command, ...args];
  const { code, stdout, stderr } = await runClient(process.execPath, all, '', cwd ? { cwd } : {});
  return { code, output: String(stdout), stderr };
}

test('gnet top shows servers and their connections once, where the output is no terminal', async (t) => {
  const rig = await startRig(t, new EchoHandler());
  const inspector = await inspect(rig.server);
  t.after(() => inspector.close());
  const path = join(temporaryDirectory(t), 'inspect.sock');
  const byPath = await inspect(rig.server, { address: `unix://${path}`, token: inspector.token });
  t.after(() => byPath.close());
  const client = await connect(t, rig);
  client.write('hello');
  await client.readExactly(5);
  const ways = [
    [inspector.url],
    [inspector.addr, '--token', inspector.token],
    [`unix://${path}`, '--token', inspector.token, '--rows=1', '--sort=age'],
  ];
  for (const way of ways) {
    const { code, output, stderr } = await gnet(['top', ...way]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(output, new RegExp(`^process ${process.pid} `));
    assert.ok(output.includes(`\n${rig.server.addr}  ${rig.server.driver}, `));
    assert.match(output, /^connections 1 {2}accepted 1 {2}received 5 B {2}sent 5 B {2}frames 1$/m);
    assert.ok(output.includes(`\n${client.localAddress}`));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    assert.doesNotMatch(output, /\x1b/);
  }
  const wrong = await gnet(['top', inspector.addr, '--token', 'x'.repeat(24)]);
  assert.deepEqual([wrong.code, wrong.output], [1, '']);
  assert.match(wrong.stderr, /^gnet: Give the token/);
});

test('gnet top looks again and again in a terminal, over what it wrote before, until it is ended', {
  skip: missing('script'),
}, async (t) => {
  const rig = await startRig(t, new EchoHandler());
  const inspector = await inspect(rig.server);
  t.after(() => inspector.close());
  const client = await connect(t, rig);
  const flags = [...nodeFlags, command, 'top', inspector.url, '--interval=1'];
  const line = [process.execPath, ...flags].map((part) => `'${part}'`).join(' ');
  // Of util-linux: runs it in a pseudo terminal.
  const terminal = spawn('script', ['-qec', `stty rows 20 cols 100; exec ${line}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => terminal.kill());
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const pictures = async (number: number) => {
    for (;;) {
      const found = output.split('\x1b[H\x1b[2J').slice(1);
      if (found.length >= number) return found.map((text) => text.replaceAll('\r\n', '\n'));
      await once(terminal.stdout, 'data');
    }
  };
  const [first = ''] = await pictures(2);
  client.write('hello');
  await client.readExactly(5);
  const seen = (await pictures(5)).slice(0, -1);
  assert.match(first, /^connections 1 {2}accepted 1 {2}received 0 B /m);
  assert.doesNotMatch(first, /cpu/); // there is no rate before the second look
  const last = seen.at(-1) ?? '';
  assert.match(last, /^process \d+ .* cpu [\d.]+ %/);
  assert.match(last, /^connections 1 {2}accepted 1.* received 5 B/m);
  for (const text of seen.join('\n').split('\n')) assert.ok(text.length <= 100, text);
  terminal.stdin.write('\x03');
  await once(terminal, 'exit');
});

test('what cannot be understood is said in two lines, with status 2', async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'file'), '');
  const wrongs: readonly [readonly string[], RegExp][] = [
    [[], /^gnet: give a command: top or new\nSee gnet --help\.\n$/],
    [['tpo'], /^gnet: there is no command 'tpo'/],
    [['top'], /^gnet: give one address\nSee gnet top --help\.\n$/],
    [['top', '127.0.0.1:1'], /^gnet: give --token/],
    [['top', 'a', '--rows', 'x'], /^gnet: (?:--rows x: give a whole number|give --token)/],
    [
      ['top', '127.0.0.1:1', '--token=x', '--sort=size'],
      /^gnet: --sort size: give one of id, loop/,
    ],
    [['new'], /^gnet: give one folder\nSee gnet new --help\.\n$/],
    [['new', 'Big'], /^gnet: cannot name a package 'Big'/],
    [['new', 'full'], /^gnet: the folder full is there already, and not empty/],
    [['new', 'a', '--template=toString'], /^gnet: there is no template 'toString': echo, chat/],
    [['new', 'a', '--tmplate=chat'], /^gnet: Unknown option '--tmplate'/],
  ];
  const results = await Promise.all(wrongs.map(([args]) => gnet(args, folder)));
  for (const [index, { code, output, stderr }] of results.entries()) {
    assert.deepEqual([code, output], [2, ''], stderr);
    assert.match(stderr, wrongs[index]?.[1] as RegExp);
  }
  assert.deepEqual(readdirSync(folder), ['full']);
});

test('help and the version are printed by each of their names', async (t) => {
  const folder = temporaryDirectory(t);
  const helps = [['--help'], ['-h'], ['help'], ['top', '--help'], ['top', '-h'], ['new', '-h']];
  for (const args of helps) {
    const { code, output } = await gnet(args, folder);
    assert.equal(code, 0);
    assert.match(output, /^gnet (?:top|new) [A-Z]+ \[options\]/);
  }
  const { code, output } = await gnet(['--version'], folder);
  assert.equal(code, 0);
  assert.match(output, /^\d+\.\d+\.\d+\S*\n$/);
});

test('a reader that has gone is no error', { skip: process.platform === 'win32' }, async () => {
  const child = spawn(process.execPath, [...nodeFlags, command, '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Before the program has anything to say.
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (piece) => {
    said += piece;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, said], [0, '']);
});

test('gnet new writes a program, a test, and what deploys it', async (t) => {
  const folder = temporaryDirectory(t);
  const { code, output } = await gnet(['new', 'a/my-server', '--template=http'], folder);
  assert.equal(code, 0);
  assert.match(output, /^ {2}cd a\/my-server\n {2}npm install$/m);
  const place = join(folder, 'a', 'my-server');
  const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  assert.equal(manifest.name, 'my-server');
  const files = ['main.ts', 'handler.ts', 'handler.test.ts', 'Dockerfile', 'my-server.service'];
  for (const file of files) assert.ok(existsSync(join(place, file)), file);
  assert.match(readFileSync(join(place, 'Dockerfile'), 'utf8'), /^EXPOSE 8080$/m);
});

const templateNames = ['echo', 'chat', 'gateway', 'http'] as const;

/** The file of that name in a project of each template. */
async function written(folder: string, fileOf: (name: string) => string): Promise<string[]> {
  await Promise.all(
    templateNames.map((name) => gnet(['new', `my-${name}`, '--template', name], folder)),
  );
  return templateNames.map((name) => join(folder, `my-${name}`, fileOf(`my-${name}`)));
}

test('systemd has nothing to say about the units that gnet new writes', {
  skip: missing('systemd-analyze'),
}, async (t) => {
  const units = await written(temporaryDirectory(t), (name) => `${name}.service`);
  const { code, stdout, stderr } = await runClient('systemd-analyze', ['verify', ...units]);
  assert.deepEqual([code, String(stdout), stderr], [0, '', '']);
});

test('a Dockerfile starts the program itself, as nobody, on a Node that has an FFI', async (t) => {
  for (const path of await written(temporaryDirectory(t), () => 'Dockerfile')) {
    const text = readFileSync(path, 'utf8');
    const steps = text.split('\n').filter((line) => /^[A-Z]+ /.test(line));
    const names = steps.map((line) => line.split(' ')[0]);
    const order = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'COPY', 'ENV', 'USER', 'EXPOSE', 'CMD'];
    assert.deepEqual(names, order);
    const [, major] = /^FROM node:(\d+)-slim$/m.exec(text) ?? [];
    assert.ok(Number(major) >= 26, text);
    // As a list: through a shell, the program would get no signal.
    const [, command = ''] = /^CMD (.*)$/m.exec(text) ?? [];
    const [program, file = ''] = JSON.parse(command) as string[];
    assert.equal(program, 'node');
    assert.ok(existsSync(join(path, '..', file)), file);
    assert.match(text, /^USER node$/m);
  }
});
