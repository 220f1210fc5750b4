/** What npm would publish works for a program that has nothing but it: JavaScript and types. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(root, 'node_modules');

/** A folder with a program's own `node_modules`, into which the packed package is unpacked. */
let program = '';

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env: cleanEnvironment() });
  assert.equal(result.error, undefined);
  assert.equal(result.status, 0, `${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Without what this repository's own runs pass on, such as the condition that reaches src/. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...environment } = process.env;
  return environment;
}

/** Built beside the repository, so that a build or another test of it at the same time is not disturbed. */
function packInto(folder: string): string {
  for (const name of ['package.json', 'README.md', 'LICENSE']) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name));
  }
  run(process.execPath, [join(root, 'scripts', 'build.ts'), join(folder, 'dist')], root);
  const output = run('npm', ['pack', '--ignore-scripts', '--json'], folder);
  const [packed] = Object.values(JSON.parse(output) as Record<string, { filename: string }>);
  assert.ok(packed !== undefined);
  return join(folder, packed.filename);
}

before(() => {
  program = mkdtempSync(join(tmpdir(), 'gnet-packed-'));
  const staging = join(program, 'staging');
  const installed = join(program, 'node_modules', 'gnet');
  mkdirSync(staging);
  mkdirSync(installed, { recursive: true });
  const archive = packInto(staging);
  run('tar', ['-xzf', archive, '--strip-components=1', '-C', installed], program);
  rmSync(staging, { recursive: true });
  // Its dependency as npm would place it, without the network; and types for the type check.
  for (const name of ['pino', 'piscina', '@types']) {
    symlinkSync(join(modules, name), join(program, 'node_modules', name));
  }
  writeFileSync(join(program, 'package.json'), '{ "type": "module", "private": true }\n');
});

after(() => rmSync(program, { recursive: true, force: true }));

test('what only some users need is an optional peer: an install brings the logger and nothing native', () => {
  const installed = join(program, 'node_modules', 'gnet', 'package.json');
  const { dependencies, peerDependenciesMeta } = JSON.parse(readFileSync(installed, 'utf8'));
  assert.deepEqual(Object.keys(dependencies), ['pino']);
  assert.deepEqual(peerDependenciesMeta, {
    '@nats-io/jetstream': { optional: true },
    '@nats-io/transport-node': { optional: true },
    ioredis: { optional: true },
    koffi: { optional: true },
    piscina: { optional: true },
  });
});

test('only dist, README, LICENSE and package.json are packed, and no tests or sources', () => {
  const installed = join(program, 'node_modules', 'gnet');
  assert.deepEqual(
    readdirSync(installed).filter((name) => name !== 'README.md'),
    ['LICENSE', 'dist', 'package.json'],
  );
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
  const unwanted = files.filter(
    (name) => name.includes('.test.') || (name.endsWith('.ts') && !name.endsWith('.d.ts')),
  );
  assert.deepEqual(unwanted, []);
  assert.ok(files.includes('index.js') && files.includes('types/index.d.ts'));
});

test('a program imports gnet and gnet/codec, and serves', () => {
  const text = `
    import { connect } from 'node:net';
    import { EventServer, serve } from 'gnet';
    import { LineBasedFrameCodec } from 'gnet/codec';
    class Echo extends EventServer { react(frame) { return frame; } }
    const server = await serve(new Echo(), 'tcp://127.0.0.1:0', { codec: new LineBasedFrameCodec() });
    const socket = connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
    socket.end('hello\\r\\n');
    for await (const chunk of socket) process.stdout.write(chunk);
    await server.stop();
  `;
  writeFileSync(join(program, 'main.js'), text);
  const output = run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'main.js'],
    program,
  );
  assert.match(output, /^hello\r?\n$/);
});

/** What a server may load to start: it was 651,000 when this was written. More is compiled at each start. */
const startBytesMax = 675_000;

test('a server starts from few files, and loads nothing of the runtime that it does not use', () => {
  const text = `
    import { registerHooks } from 'node:module';
    const { statSync } = process.getBuiltinModule('node:fs');
    const files = new Set();
    registerHooks({ load: (url, context, next) => (files.add(url), next(url, context)) });
    const { serve } = await import('gnet');
    const server = await serve({}, 'tcp://127.0.0.1:0', { driver: 'epoll' });
    await server.stop();
    const ours = [...files].filter((url) => url.includes('/gnet/dist/'));
    if (ours.length > 8) throw new Error('files are loaded: ' + ours.join());
    const bytes = ours.reduce((sum, url) => sum + statSync(new URL(url)).size, 0);
    if (bytes > ${startBytesMax}) throw new Error('a server starts from ' + bytes + ' bytes of code');
    const loaded = process.moduleLoadList.map((name) => name.split(' ').at(-1));
    const heavy = ['crypto', 'dns', 'fs/promises', 'http', 'internal/fs/streams', 'net', 'tls', 'v8', 'zlib'];
    console.log(heavy.filter((name) => loaded.includes(name)));
  `;
  writeFileSync(join(program, 'few.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', 'few.js'];
  assert.equal(run(process.execPath, flags, program), '[]\n');
});

test('a program imports gnet/stream and gnet/net', () => {
  const text = `
    import { createServer } from 'node:http';
    import net from 'gnet/net';
    import { attach } from 'gnet/stream';
    const http = createServer((_request, response) => response.end('hello'));
    const server = await attach(http, 'tcp://127.0.0.1:0');
    const socket = net.connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
    socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n');
    for await (const chunk of socket) process.stdout.write(chunk);
    await server.stop();
  `;
  writeFileSync(join(program, 'streams.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', 'streams.js'];
  assert.match(run(process.execPath, flags, program), /^HTTP\/1\.1 200 OK.*hello$/s);
});

test('the page of gnet/inspect is in the package, in three files and with the licence of its plots', () => {
  const text = `
    import { serve } from 'gnet';
    import { inspect } from 'gnet/inspect';
    const server = await serve({}, 'tcp://127.0.0.1:0');
    const { addr, close } = await inspect(server);
    for (const path of ['', 'page.css', 'page.js']) {
      const response = await fetch('http://' + addr + '/' + path);
      console.log(response.status, response.headers.get('content-type'), await response.text());
    }
    await close();
    await server.stop();
  `;
  writeFileSync(join(program, 'inspect.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', 'inspect.js'];
  const output = run(process.execPath, flags, program);
  assert.match(output, /200 text\/html; .*200 text\/css; .*\.uplot.*200 text\/javascript; /s);
  assert.match(output, /Permission is hereby granted/);
  assert.doesNotMatch(output, /\bimport\b[^(]*["']\.|from ?["']/);
});

test('what gnet new writes passes its own test, and the type check', () => {
  const command = join(program, 'node_modules', 'gnet', 'dist', 'gnet.js');
  const names = ['echo', 'chat', 'gateway', 'http'];
  for (const name of names) {
    run(process.execPath, [command, 'new', `new-${name}`, '--template', name], program);
  }
  const tests = names.map((name) => join(`new-${name}`, 'handler.test.ts'));
  assert.match(run(process.execPath, ['--test', ...tests], program), /pass 4\n.*fail 0\n/s);
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
  const more = ['--allowImportingTsExtensions', '--erasableSyntaxOnly', '--types', 'node'];
  const files = [...tests, ...names.map((name) => join(`new-${name}`, 'main.ts'))];
  const compiler = join(modules, 'typescript', 'bin', 'tsc');
  run(process.execPath, [compiler, ...options, ...more, ...files], program);
});

test('every entry can be imported', () => {
  const text = `
    import { readFileSync } from 'node:fs';
    const manifest = new URL('node_modules/gnet/package.json', import.meta.url);
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
    const names = Object.keys(exports).filter((path) => !/json$|redis|nats|jetstream|thread/.test(path));
    const counts = [];
    for (const path of names) {
      const members = Object.keys(await import('gnet' + path.slice(1)));
      if (members.length === 0) throw new Error(path + ' exports nothing');
      counts.push(members.join());
    }
    console.log(names.length === new Set(counts).size ? 'all differ' : names.join());
  `;
  writeFileSync(join(program, 'entries.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', 'entries.js'];
  assert.equal(run(process.execPath, flags, program), 'all differ\n');
});

test('a program tests its handler with gnet/testing, also where nothing but memory is allowed', () => {
  const text = `
    import { LineBasedFrameCodec } from 'gnet/codec';
    import { expectFrames, roughFaults, simulate, withSeeds } from 'gnet/testing';
    const codec = new LineBasedFrameCodec();
    const handler = { onOpened: (c) => void c.setTimer(9e6, () => c.close()), react: (frame) => frame };
    await withSeeds(3, async (seed) => {
      const { connect, clock, close } = await simulate(handler, { codec, seed, faults: roughFaults });
      const client = await connect();
      client.writeFrame('hello');
      await expectFrames(client, ['hello']);
      await clock.advance(1e7);
      console.log(client.closed);
      await close();
    });
  `;
  writeFileSync(join(program, 'simulated.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', '--permission', '--allow-fs-read=*'];
  const output = run(process.execPath, [...flags, 'simulated.js'], program);
  assert.equal(output, 'true\n'.repeat(3));
});

test('gnet/http serves a module from several loops', () => {
  writeFileSync(
    join(program, 'site.js'),
    'export default { fetch: (request) => new Response(new URL(request.url).pathname) };',
  );
  const text = `
    import { serveHttp } from 'gnet/http';
    const site = new URL('./site.js', import.meta.url);
    const server = await serveHttp(site, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
    console.log(await (await fetch('http://' + server.addr + '/here')).text());
    await server.stop();
  `;
  writeFileSync(join(program, 'http.js'), text);
  const flags = ['--disable-warning=ExperimentalWarning', 'http.js'];
  assert.equal(run(process.execPath, flags, program), '/here\n');
});

test('several loops: the program in every thread, and a handler module', () => {
  const text = `
    import { connect } from 'node:net';
    import { isMainLoop, serve } from 'gnet';
    import { WorkerPool } from 'gnet/pool';
    const options = { numEventLoop: 2 };
    const echo = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', options);
    const module = new URL('./handler.js', import.meta.url);
    const pooled = await serve(module, 'tcp://127.0.0.1:0', options);
    if (isMainLoop) {
      for (const server of [echo, pooled]) {
        const socket = connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
        socket.end('hello ');
        for await (const chunk of socket) process.stdout.write(chunk);
      }
      const pool = new WorkerPool(new URL('./work.js', import.meta.url), { threads: 1 });
      process.stdout.write(await pool.submit('task'));
      await pool.close();
      await Promise.all([echo.stop(), pooled.stop()]);
    }
  `;
  writeFileSync(join(program, 'loops.js'), text);
  writeFileSync(join(program, 'handler.js'), "export default { react: () => 'module ' };\n");
  writeFileSync(join(program, 'work.js'), "export default (task) => task + ' done';\n");
  const flags = ['--disable-warning=ExperimentalWarning', 'loops'];
  assert.equal(run(process.execPath, flags, program), 'hello module task done');
});

test('a TypeScript program checks against the packed declarations', () => {
  const text = `
    import { EventServer, serve, type Conn, type Server } from 'gnet';
    import { LineBasedFrameCodec } from 'gnet/codec';
    class Echo extends EventServer {
      override react(frame: Buffer | null, c: Conn) { c.context = frame?.length; return frame; }
    }
    export const server: Server = await serve(new Echo(), 'tcp://:9000', { codec: new LineBasedFrameCodec() });
    // @ts-expect-error: a number is not an address, so the types are not any
    await serve(new Echo(), 9000);
  `;
  writeFileSync(join(program, 'main.ts'), text);
  const compilerOptions = {
    module: 'NodeNext',
    target: 'ES2023',
    strict: true,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(
    join(program, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['main.ts'] }),
  );
  const compiler = join(modules, 'typescript', 'bin', 'tsc');
  run(process.execPath, [compiler, '--project', '.'], program);
});
