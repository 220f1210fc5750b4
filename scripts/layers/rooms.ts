/** Rules about who may import whom, and which words a room may say. */
import {
  type Finding,
  isTest,
  type Project,
  resolveImport,
  type TypeScriptFile,
} from './project.ts';
import { lineAt } from './source-text.ts';

/**
 * Packages beside the core: each stands on the public face alone, as a program of a user would, and
 * may use those below it.
 */
const packages = [
  'command',
  'inspect',
  'topics',
  'websocket',
  'http',
  'kcp',
  'net',
  'stream',
  'metrics',
  'testing',
] as const;

/** The public face: what a package may import of the core. */
const publicFaces: readonly string[] = ['src/index.ts', 'src/codec/index.ts'];

/**
 * Smaller than anything a program would import: what the core and the packages do in the same way, and what
 * only `host/` may know of the runtime.
 */
const common: readonly string[] = [
  'src/base/settled.ts',
  'src/base/loop-work.ts',
  'src/base/codec-to-come.ts',
  'src/base/flushed.ts',
  'src/host/chunk-garbage.ts',
  'src/host/fetch-codings.ts',
];

/** What `testing` may import beside it: what stands in for a kernel and a connection, where a path is. */
const standIns: readonly string[] = [
  'src/driver/simulated/index.ts',
  'src/driver/node/pipe-path.ts',
  'src/codec/peekable-source.ts',
];

/** Top to bottom; a room imports only from those below it. `index` is src/index.ts. */
export const rooms = [
  ...packages,
  'index',
  'server',
  'worker',
  'mailbox',
  'loop',
  'connection',
  'tls',
  'codec',
  'driver',
  'buffer',
  'host',
  'syscall',
  'platform',
  'ffi',
  'logging',
  'pool',
  'base',
] as const;

/** Runs in browsers; the build puts what it imports into it. */
export const pageFolder = 'src/inspect/page/';

export type Room = (typeof rooms)[number];

const aboveDriver: readonly Room[] = rooms.slice(0, rooms.indexOf('driver'));

const isPackage = (room: Room): boolean => (packages as readonly string[]).includes(room);
const isRoom = (name: string): name is Room => (rooms as readonly string[]).includes(name);

/** `src/loop/turn.ts` is in `loop`; undefined outside src/ or in no room. */
export function roomOf(path: string): Room | undefined {
  const [top, name = '', ...rest] = path.split('/');
  if (top !== 'src') return undefined;
  if (rest.length === 0) return name === 'index.ts' ? 'index' : undefined;
  return name !== 'index' && isRoom(name) ? name : undefined;
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function bareImportProblem(
  file: TypeScriptFile,
  specifier: string,
  project: Project,
): string | undefined {
  if (/^node:|^bun:/.test(specifier)) return undefined;
  const name = packageOf(specifier);
  const shipped = file.path.startsWith('src/') && !isTest(file.path);
  if (name === project.name) {
    return shipped ? `the package imports itself ('${specifier}'): use a relative path` : undefined;
  }
  if (project.dependencies.has(name)) return undefined;
  const isBundled = file.path.startsWith(pageFolder);
  if ((!shipped || isBundled) && project.developmentDependencies.has(name)) return undefined;
  return `'${specifier}' is not among the ${shipped ? '' : 'devDependencies or '}dependencies`;
}

function relativeImportProblem(file: TypeScriptFile, target: string): string | undefined {
  if (isTest(target)) return `${target} is a test: nothing imports tests`;
  if (!file.path.startsWith('src/')) return undefined;
  const from = roomOf(file.path);
  const to = roomOf(target);
  if (from === undefined) return undefined; // reported once, by roomFindings
  if (to === undefined) {
    if (isTest(file.path) && /^(?:testing|test)\//.test(target)) return undefined;
    return `room ${from} imports ${target}, which is in no room`;
  }
  if (rooms.indexOf(to) < rooms.indexOf(from)) {
    return `room ${from} imports from room ${to}, which is above it`;
  }
  const isOpen =
    publicFaces.includes(target) ||
    common.includes(target) ||
    (from === 'testing' && standIns.includes(target));
  if (isPackage(from) && !isPackage(to) && !isOpen && !isTest(file.path)) {
    return `package ${from} imports ${target}: only ${publicFaces.join(' and ')} are public`;
  }
  if (to === 'syscall' && aboveDriver.includes(from) && !isTest(file.path)) {
    return `room ${from} imports from room syscall: only driver/ may, which works without it, too`;
  }
  return undefined;
}

function importProblem(
  file: TypeScriptFile,
  specifier: string,
  project: Project,
): string | undefined {
  const target = resolveImport(file.path, specifier);
  if (target === undefined) return bareImportProblem(file, specifier, project);
  if (!project.texts.has(target)) return `${target} does not exist`;
  return relativeImportProblem(file, target);
}

/** Each import goes down, to a file that exists, or to a package that is declared. */
export function roomFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const file of project.typeScript.values()) {
    if (file.path.startsWith('src/') && roomOf(file.path) === undefined) {
      findings.push({ file: file.path, line: 1, message: `is in no room (${rooms.join(', ')})` });
    }
    for (const { specifier, line } of file.imports) {
      const message = importProblem(file, specifier, project);
      if (message !== undefined) findings.push({ file: file.path, line, message });
    }
  }
  return findings;
}

interface WordRule {
  readonly applies: (room: Room) => boolean;
  readonly pattern: RegExp;
  readonly message: string;
}

/**
 * Words that belong to a room, looked for in code and strings, not in comments: the documentation of
 * an option must be able to say where it works. Tests may say anything.
 *
 * A string that is exactly a driver's name ('epoll') is fine everywhere: it is a value of the public
 * option `driver`. Anything longer, such as a message or a path, is not.
 */
const wordRules: readonly WordRule[] = [
  {
    applies: (room) => aboveDriver.includes(room),
    pattern:
      /epoll|io_?uring|kqueue|linux|darwin|win32|macos|(?:free|open|net)bsd|process\.platform/gi,
    message: 'names an operating system: only driver/ and the rooms below it may',
  },
  {
    applies: (room) => !['ffi', 'host', 'worker'].includes(room),
    pattern: /\bDeno\b|\bBun\b|\bprocess\.versions\b|\bnode:ffi\b|\bbun:\w+/g,
    message: 'names a runtime: only ffi/, host/ and worker/ may',
  },
];

const driverNameLiteral = /^(['"])(?:epoll|io_uring|kqueue)\1$/;

function isDriverName(text: string, start: number, end: number): boolean {
  return driverNameLiteral.test(text.slice(Math.max(0, start - 1), end + 1));
}

export function wordFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const file of project.typeScript.values()) {
    const room = roomOf(file.path);
    if (room === undefined || isTest(file.path)) continue;
    const text = file.source.codeAndStrings;
    for (const rule of wordRules.filter((candidate) => candidate.applies(room))) {
      for (const match of text.matchAll(rule.pattern)) {
        if (isDriverName(text, match.index, match.index + match[0].length)) continue;
        const message = `room ${room} says '${match[0]}', which ${rule.message}`;
        findings.push({ file: file.path, line: lineAt(text, match.index), message });
      }
    }
  }
  return findings;
}
