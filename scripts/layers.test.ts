import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { rooms } from './layers/rooms.ts';
import { importsOf, scanSource } from './layers/source-text.ts';
import { checkLayers } from './layers.ts';

const manifest = JSON.stringify({
  name: 'gnet',
  exports: { '.': { 'gnet-source': './src/index.ts', default: './dist/index.js' } },
  dependencies: { pino: '1' },
  devDependencies: { 'fast-check': '1' },
});

/** What the checker prints for a repository of these files. */
function findingsIn(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'gnet-layers-'));
  try {
    for (const [path, text] of Object.entries({ 'package.json': manifest, ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return checkLayers(root).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function assertOneFinding(files: Readonly<Record<string, string>>, expected: RegExp): void {
  const findings = findingsIn(files);
  assert.equal(findings.length, 1, findings.join('\n'));
  assert.match(findings[0] as string, expected);
}

const face = (...imports: string[]): string =>
  imports.map((path) => `export * from '${path}';\n`).join('');

test('a repository that keeps every rule has no findings', () => {
  const findings = findingsIn({
    'src/index.ts': face('./loop/turn.ts', './codec/line.ts'),
    'src/loop/turn.ts': "import type { Line } from '../codec/line.ts';\nexport type Turn = Line;\n",
    'src/codec/line.ts': "import { Buffer } from 'node:buffer';\nexport type Line = Buffer;\n",
    'src/codec/line.test.ts':
      "import fc from 'fast-check';\nimport '../../testing/kit.ts';\nimport './line.ts';\n",
    'testing/kit.ts': "import { serve } from 'gnet';\nserve();\n",
  });
  assert.deepEqual(findings, []);
});

test('an import of a room above is found, also of a type, with its line', () => {
  assertOneFinding(
    {
      'src/index.ts': face('./codec/line.ts', './loop/turn.ts'),
      'src/codec/line.ts':
        "\nimport type { Turn } from '../loop/turn.ts';\nexport type L = Turn;\n",
      'src/loop/turn.ts': 'export type Turn = 1;\n',
    },
    /^src\/codec\/line\.ts:2: room codec imports from room loop/,
  );
});

test('only driver/ makes system calls: what is above it must work where there are none', () => {
  const importing = (path: string): Record<string, string> => ({
    'src/index.ts': face('./worker/group.ts', './driver/native.ts'),
    'src/worker/group.ts': path === 'worker' ? "await import('../syscall/close.ts');\n" : '',
    'src/driver/native.ts': "import '../syscall/close.ts';\n",
    'src/syscall/close.ts': '',
    'src/worker/group.test.ts': "import '../syscall/close.ts';\n",
  });
  assert.deepEqual(findingsIn(importing('driver')), []);
  assertOneFinding(importing('worker'), /group\.ts:1: room worker imports from room syscall/);
});

test('what only one system has is for the files that choose, and for what is made of it', () => {
  const importing = (path: string): Record<string, string> => ({
    'src/index.ts': face(`./${path}`),
    [`src/${path}`]: "import { a } from '../../syscall/linux/calls.ts';\nexport const b = a;\n",
    'src/syscall/linux/calls.ts': 'export const a = 1;\n',
  });
  assert.deepEqual(findingsIn(importing('driver/io-uring/ring.ts')), []);
  assertOneFinding(
    importing('driver/native/sockets.ts'),
    /^src\/driver\/native\/sockets\.ts:1: imports src\/syscall\/linux\/calls\.ts, which only one system/,
  );
});

test('a file that not every system has is read where that is caught', () => {
  const reading = (text: string): Record<string, string> => ({
    'src/index.ts': face('./driver/lists.ts'),
    'src/driver/lists.ts': `import { readFileSync } from 'node:fs';\n${text}`,
  });
  const inText = '`$' + '{own}/stat`';
  for (const text of [
    "export function a() {\n  try {\n    if (a) { return readFileSync('/proc/stat'); }\n  } catch {}\n}\n",
    "const stat = '/proc/stat';\nexport function a(file: string = stat) {\n  try { return readFileSync(file); } catch {}\n}\n",
    `const own = '/proc/self';\nexport function a() {\n  try { return [readFileSync(${inText})]; } catch {}\n}\n`,
    "export const a = 'below /proc';\n",
  ]) {
    assert.deepEqual(findingsIn(reading(text)), [], text);
  }
  for (const text of [
    "export const a = () => readFileSync('/proc/stat');\n",
    "const stat = '/proc/stat';\nexport const a = () => readFileSync(stat);\n",
    `const own = '/sys/class';\nexport const a = () => readFileSync(${inText});\n`,
    "try { [1].forEach(() => {\n  readFileSync('/dev/fd/3');\n}); } catch {}\n",
    "try {} catch { readFileSync('/proc/stat'); }\n",
  ]) {
    assertOneFinding(reading(text), /lists\.ts:\d: uses a file below .* outside of a try/);
  }
  const linux = "import { readFileSync } from 'node:fs';\nreadFileSync('/proc/stat');\n";
  const ofLinux = {
    'src/index.ts': face('./driver/pin-thread.ts'),
    'src/driver/pin-thread.ts': "await import('../syscall/linux/calls.ts');\n",
    'src/syscall/linux/calls.ts': linux,
  };
  assert.deepEqual(findingsIn(ofLinux), []);
});

test('a path of a file is not put together or taken apart by hand', () => {
  const base = (text: string): Record<string, string> => ({
    'src/index.ts': face('./base/a.ts'),
    'src/base/a.ts': text,
  });
  assertOneFinding(
    base("export const isWhole = (path: string) => path.startsWith('/');\n"),
    /a\.ts:1: takes a path apart by '\/'/,
  );
  assertOneFinding(
    base('export const here = new URL(import.meta.url).pathname;\n'),
    /a\.ts:1: takes the path of a URL for that of a file/,
  );
  assert.deepEqual(findingsIn(base("export const a = (topic: string) => topic.split('/');\n")), []);
});

test('ARCHITECTURE.md must list the rooms, all of them, in their order', () => {
  const listing = (names: readonly string[]): Record<string, string> => {
    const line = (name: string): string =>
      `  ${name === 'index' ? 'index.ts' : `${name}/`}  what it is`;
    return { 'ARCHITECTURE.md': ['# Rooms', '```', ...names.map(line), '```', ''].join('\n') };
  };
  assert.deepEqual(findingsIn(listing(rooms)), []);
  const [first, second, ...rest] = rooms;
  for (const names of [rest, [second, first, ...rest], [...rooms, 'attic']]) {
    assertOneFinding(listing(names as string[]), /^ARCHITECTURE\.md:2: lists the rooms/);
  }
});

test('a test stands beside the file it tests, or has to do with more and is in a folder of test/', () => {
  const withTest = (path: string, text: string): Record<string, string> => ({
    'src/index.ts': face('./codec/line.ts'),
    'src/codec/line.ts': 'export const line = 1;\n',
    'testing/kit.ts': "import { line } from '../src/codec/line.ts';\nexport const kit = line;\n",
    'test/support/rig.ts': "import { serve } from 'gnet';\nexport const rig = serve;\n",
    [path]: text,
  });
  const kit = "import { kit } from '../../testing/kit.ts';\nkit();\n";
  const rig = "import { rig } from '../support/rig.ts';\nrig();\n";
  for (const [path, text] of [
    ['src/codec/line.test.ts', kit],
    ['src/codec/line.cost.test.ts', kit],
    ['test/server/lines.test.ts', rig],
    ['test/server/lines.test.ts', "import 'node:child_process';\n"],
  ] as const) {
    assert.deepEqual(findingsIn(withTest(path, text)), []);
  }
  const rule = (path: string, text: string, expected: RegExp): void =>
    assertOneFinding(withTest(path, text), expected);
  rule('src/codec/lines.test.ts', kit, /tests no file: src\/codec\/lines\.ts does not exist/);
  rule('src/codec/line.test.ts', "import 'gnet';\n", /imports gnet: a test over sockets/);
  rule('src/codec/line.test.ts', "import 'node:net';\n", /imports node:net: a test over sockets/);
  rule('test/lines.test.ts', rig.replace('../support', './support'), /in no folder of test\//);
  rule('test/codec/line.test.ts', kit, /uses no server, client, loop, program or document/);
});

test('a package imports the public face and packages below it, and nothing imports a package', () => {
  const withImport = (path: string, specifier: string): Record<string, string> => ({
    'src/index.ts': face('./codec/index.ts'),
    'src/codec/index.ts': face('./line.ts'),
    'src/codec/line.ts': 'export type Line = 1;\n',
    'src/websocket/index.ts': face('../http/index.ts', './frame.ts'),
    'src/http/index.ts': face('./server.ts', '../index.ts'),
    'src/http/server.ts': 'export type Server = 1;\n',
    'src/websocket/frame.ts': '',
    [path]: `import '${specifier}';\nexport type Own = 1;\n`,
    'examples/packages.ts': "import '../src/websocket/index.ts';\n",
  });
  const refused = (path: string, specifier: string, expected: RegExp): void =>
    assertOneFinding(withImport(path, specifier), expected);
  assert.deepEqual(findingsIn(withImport('src/http/server.ts', '../codec/index.ts')), []);
  refused('src/http/server.ts', '../codec/line.ts', /package http imports src\/codec\/line\.ts/);
  refused('src/http/server.ts', '../websocket/frame.ts', /room http imports from room websocket/);
  refused('src/codec/line.ts', '../http/server.ts', /room codec imports from room http/);
});

test('a unit test keeps the order of rooms too', () => {
  assertOneFinding(
    {
      'src/index.ts': face('./loop/turn.ts', './codec/line.ts'),
      'src/loop/turn.ts': 'export type Turn = 1;\n',
      'src/codec/line.ts': 'export type Line = 1;\n',
      'src/codec/line.test.ts': "import '../loop/turn.ts';\n",
    },
    /line\.test\.ts:1: room codec imports from room loop/,
  );
});

test('what is shipped does not import test helpers, tests, itself or undeclared packages', () => {
  const withImport = (specifier: string): Record<string, string> => ({
    'src/index.ts': `import '${specifier}';\nexport * from './base/ids.ts';\n`,
    'src/base/ids.ts': 'export const id = 1;\n',
    'src/base/ids.test.ts': '',
    'testing/kit.ts': '',
  });
  assertOneFinding(withImport('../testing/kit.ts'), /is in no room/);
  assertOneFinding(withImport('./base/ids.test.ts'), /is a test/);
  assertOneFinding(withImport('gnet'), /imports itself/);
  assertOneFinding(withImport('fast-check'), /not among the dependencies/);
  assertOneFinding(withImport('./base/nothing.ts'), /src\/base\/nothing\.ts does not exist/);
});

test('a file of src/ that is in no room is found', () => {
  assertOneFinding(
    { 'src/index.ts': '', 'src/utils/a.ts': '', 'examples/a.ts': "import '../src/utils/a.ts';\n" },
    /utils\/a\.ts:1: is in no/,
  );
});

test('rooms above driver/ do not name an operating system, except as the name of a driver', () => {
  const loop = (text: string): Record<string, string> => ({
    'src/index.ts': face('./loop/turn.ts'),
    'src/loop/turn.ts': text,
  });
  assert.deepEqual(findingsIn(loop("// epoll on Linux\nexport const driver = 'epoll';\n")), []);
  assertOneFinding(
    loop("export const a = 'only on linux';\n"),
    /turn\.ts:1: room loop says 'linux'/,
  );
  assertOneFinding(loop('export const useEpoll = 1;\n'), /says 'Epoll'/);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  assertOneFinding(loop('export const a = `${process.platform}`;\n'), /says 'process.platform'/);
  const findings = findingsIn({
    'src/index.ts': face('./driver/choose-driver.ts'),
    'src/driver/choose-driver.ts': 'export const onLinux = process.platform;\n',
  });
  assert.deepEqual(findings, []);
});

test('only ffi/, host/ and worker/ name a runtime', () => {
  const room = (name: string): Record<string, string> => ({
    'src/index.ts': face(`./${name}/a.ts`),
    [`src/${name}/a.ts`]: "export const a = [process.versions, 'node:ffi'];\n",
  });
  for (const name of ['ffi', 'host', 'worker']) assert.deepEqual(findingsIn(room(name)), []);
  assert.equal(findingsIn(room('platform')).length, 2);
});

test('a cycle is found once, also one of types; a dynamic import does not make one', () => {
  const cycle = (importOfA: string): Record<string, string> => ({
    'src/index.ts': face('./codec/a.ts'),
    'src/codec/a.ts': "import './b.ts';\n",
    'src/codec/b.ts': "import './c.ts';\n",
    'src/codec/c.ts': importOfA,
  });
  // Files of one room may not import one another in a circle; the order of rooms is not concerned.
  assertOneFinding(
    cycle("import './a.ts';\n"),
    /c\.ts:1: import cycle: src\/codec\/a\.ts -> src\/codec\/b\.ts -> src\/codec\/c\.ts -> src/,
  );
  assertOneFinding(cycle("import type { A } from './a.ts';\n"), /c\.ts:1: import cycle/);
  assert.deepEqual(findingsIn(cycle("const a = await import('./a.ts');\n")), []);
});

test('a file that nothing reaches is dead; dynamic imports, URLs and tests reach', () => {
  const files = {
    'src/index.ts':
      "const a = await import('./codec/a.ts');\nnew URL('./worker/w.ts', import.meta.url);\n",
    'src/codec/a.ts': '',
    'src/worker/w.ts': '',
    'src/base/tested.ts': '',
    'src/base/tested.test.ts': "import './tested.ts';\n",
  };
  assert.deepEqual(findingsIn(files), []);
  assertOneFinding({ ...files, 'src/base/forgotten.ts': '' }, /forgotten\.ts:1: dead file/);
});

test('long files and long comments are found; long strings are not', () => {
  assertOneFinding(
    { 'scripts/long.ts': 'const a = 1;\n'.repeat(501) },
    /long\.ts:501: has 501 lines/,
  );
  assert.deepEqual(findingsIn({ 'scripts/fits.ts': 'const a = 1;\n'.repeat(500) }), []);
  assertOneFinding({ 'scripts/wide.ts': `// ${'a '.repeat(60)}\n` }, /wide\.ts:1: a comment has/);
  assert.deepEqual(findingsIn({ 'scripts/text.ts': `const a = '${'a '.repeat(60)}';\n` }), []);
});

test('leftovers are found in comments and code, not in strings', () => {
  const leftovers = {
    'scripts/a.ts': '// TO' + 'DO later\n',
    'scripts/b.ts': '/* @ts' + '-ignore */\n',
    'scripts/c.ts': '',
    'scripts/c.test.ts': 'test' + ".only('a', () => {});\n",
    'scripts/d.ts': 'debug' + 'ger;\n',
  };
  const findings = findingsIn(leftovers);
  assert.deepEqual(
    findings.map((finding) => finding.split(':')[0]),
    Object.keys(leftovers).filter((path) => path !== 'scripts/c.ts'),
  );
  assert.deepEqual(findingsIn({ 'scripts/e.ts': "const a = 'TODO test.only debugger';\n" }), []);
});

test('a using declaration is found in src/ only', () => {
  const text = 'const a = 1;\n  using b = a;\n';
  assertOneFinding({ 'src/index.ts': text }, /index\.ts:2: 'using b =' cannot be parsed/);
  assert.deepEqual(findingsIn({ 'test/a.ts': text }), []);
});

test('a path of a machine is found in every kind of file; a relative one or an address is not', () => {
  const home = '/' + 'home/somebody/gnet';
  assertOneFinding(
    { 'README.md': `\n\nrun ${home}\n` },
    /README\.md:3: '\/home\/somebody' is a path/,
  );
  assertOneFinding({ '.ci/run': `cd ${home}\n` }, /^\.ci\/run:1/);
  assert.deepEqual(
    findingsIn({ 'README.md': 'see docs/work/a and http://a.example/home/b\n' }),
    [],
  );
});

test('the scanner keeps code, strings, comments and regular expressions apart', () => {
  const text = [
    "const a = 'it // is'; // 'quoted'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    'const b = `x ${a + `y ${"}"}`} // z`;',
    'const c = a / b / 2; const d = /[/"]\\/"/; /* end */',
  ].join('\n');
  const { code, codeAndStrings, comments } = scanSource(text);
  for (const view of [code, codeAndStrings, comments]) assert.equal(view.length, text.length);
  assert.equal(comments.replaceAll(/\s+/g, ' ').trim(), "// 'quoted' /* end */");
  assert.match(codeAndStrings, /it \/\/ is/);
  assert.doesNotMatch(code, /is|z|quoted|end/);
  assert.match(code, /a \/ b \/ 2; const d = \/ +\/;/);
});

test('every form of import is found, with what remains at run time', () => {
  const source = scanSource(
    [
      "import a, { b } from './a.ts';",
      "import type { C } from './c.ts';",
      "export type { D } from './d.ts';",
      "export {\n  e,\n} from './e.ts';",
      "import './f.ts';",
      "const g = await import('./g.ts');",
      "type H = typeof import('./h.ts');",
      "const w = [new URL('./w.ts', import.meta.url), new URL('v.ts', import.meta.url)];",
      "const data = new URL('./data.json', import.meta.url);",
      "const text = \"import './not.ts';\"; // import './nor.ts';",
    ].join('\n'),
  );
  const shown = importsOf(source).map(
    ({ specifier, line, typeOnly, dynamic }) =>
      `${line} ${specifier}${typeOnly ? ' type' : ''}${dynamic ? ' dynamic' : ''}`,
  );
  assert.deepEqual(shown.sort(), [
    '1 ./a.ts',
    '10 ./v.ts dynamic',
    '10 ./w.ts dynamic',
    '2 ./c.ts type',
    '3 ./d.ts type',
    '6 ./e.ts',
    '7 ./f.ts',
    '8 ./g.ts dynamic',
    '9 ./h.ts type dynamic',
  ]);
});
