/**
 * Compares the tables of src/platform/bsd/ with the C headers of macOS, FreeBSD, NetBSD and OpenBSD, on any
 * machine: see `zig.ts`. What the compiler makes is assembly, in which the numbers stand as data;
 * nothing is linked or run.
 *
 * There are no headers of DragonFly. What all five systems have alike is compared with FreeBSD's headers
 * for it, too; what is DragonFly's own only with the reference of the tests (`src/platform/index.test.ts`).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as common from '../../src/platform/bsd/common.ts';
import { errnoNumbers as commonErrnoNumbers } from '../../src/platform/bsd/common-errno.ts';
import { bsdPlatforms, loadBsdPlatform, type StructLayout } from '../../src/platform/index.ts';
import { type StructInC, structsInC } from './c-program.ts';
import type { Outcome } from './outcome.ts';
import type { Compiler } from './zig.ts';

/** What Zig calls `darwin-arm64`, ... */
const targets: Readonly<Record<string, string>> = {
  'darwin-arm64': 'aarch64-macos',
  'darwin-x64': 'x86_64-macos',
  'freebsd-arm64': 'aarch64-freebsd',
  'freebsd-x64': 'x86_64-freebsd',
  'netbsd-x64': 'x86_64-netbsd',
  'openbsd-arm64': 'aarch64-openbsd',
  'openbsd-x64': 'x86_64-openbsd',
};

/** Whose headers stand for DragonFly's. */
const kin = 'x86_64-freebsd';

const headers = `errno.h fcntl.h stddef.h unistd.h sys/types.h sys/event.h sys/filio.h sys/ioctl.h
  sys/mman.h sys/socket.h sys/time.h sys/uio.h sys/un.h sys/wait.h net/if.h netinet/in.h
  netinet/tcp.h`.split(/\s+/);

/** Functions that we look up by the name that C gives them, unless the tables say another. */
const functions = `accept bind close connect dup2 fcntl getpeername getsockname getsockopt
  if_nametoindex ioctl kevent kqueue listen madvise mmap mprotect munmap pipe read recvfrom recvmsg
  sendmsg sendto setsockopt shutdown socket socketpair waitpid write`.split(/\s+/);

const keventsInC: readonly StructInC[] = [
  { table: 'kevent', name: 'kevent', prefix: '' },
  { table: 'kevent100', name: 'kevent', prefix: '' },
];

export interface Tables {
  readonly constants: Readonly<Record<string, number>>;
  readonly layouts: Readonly<Record<string, StructLayout>>;
  readonly cmsgAlignment: number;
  readonly symbols: Readonly<Record<string, string | readonly string[]>>;
}

/** A constant expression of C, and what we say that it is. */
interface Question {
  readonly expression: string;
  readonly ours: number;
}

function structQuestions({ layouts }: Tables): Question[] {
  const questions: Question[] = [];
  for (const { table, name, prefix } of [...structsInC, ...keventsInC]) {
    const layout = layouts[table];
    if (layout === undefined) continue;
    const type = `struct ${name}`;
    // The headers are those of the newest release: of the older form all but the size is there.
    const isOldForm = table === 'kevent' && layouts['kevent100'] !== undefined;
    if (!isOldForm) questions.push({ expression: `sizeof(${type})`, ours: layout.size });
    for (const [field, { offset, size }] of Object.entries(layout.fields)) {
      const member = prefix + field;
      questions.push({ expression: `offsetof(${type}, ${member})`, ours: offset });
      questions.push({ expression: `sizeof(((${type} *)0)->${member})`, ours: size });
    }
  }
  return questions;
}

function questionsOf(tables: Tables): Question[] {
  const constants = Object.entries(tables.constants);
  return [
    ...constants.map(([expression, ours]) => ({ expression, ours })),
    ...structQuestions(tables),
    { expression: 'CMSG_SPACE(1) - CMSG_LEN(0)', ours: tables.cmsgAlignment },
  ];
}

/** Added to every number: a compiler writes zeroes as space. */
const bias = 2n ** 40n;

function programOf(questions: readonly Question[]): string {
  const includes = headers.map(
    (header) => `#if __has_include(<${header}>)
#include <${header}>
#endif`,
  );
  const values = questions.map(({ expression }) => `  (long long)(${expression}) + ${bias}LL,`);
  return `#define __APPLE_USE_RFC_3542 1
${includes.join('\n')}
__attribute__((used)) const long long values[] = {
${values.join('\n')}
};
int last_error(void) { return errno; }
${functions.map((name) => `void *pointer_${name}(void) { return (void *)${name}; }`).join('\n')}
`;
}

/** The numbers of `values` in assembly: ELF's `.xword` is Mach-O's `.quad`. */
function valuesIn(assembly: string): bigint[] {
  const [, data = ''] = /^_?values:\n((?:\s+\.(?:quad|xword)\s.*\n)+)/m.exec(assembly) ?? [];
  return [...data.matchAll(/\.(?:quad|xword)\s+(-?\d+)/g)].map(
    ([, value = '0']) => BigInt(value) - bias,
  );
}

function compareSymbols(assembly: string, { symbols }: Tables, outcome: Outcome): void {
  const isNamed = (name: string): boolean => new RegExp(`\\b_?${name}\\b`).test(assembly);
  const [errno = ''] = symbols['errno'] ?? [];
  const wanted = functions.map((name) => String(symbols[`${name}100`] ?? symbols[name] ?? name));
  for (const name of [errno, ...wanted]) {
    if (isNamed(name)) outcome.compared++;
    else outcome.errors.push(`the C library's ${name} has another name`);
  }
}

/** Those tables with the headers of that target. */
export function compareTables(compiler: Compiler, target: string, tables: Tables): Outcome {
  const outcome: Outcome = { compared: 0, skipped: [], errors: [] };
  const folder = mkdtempSync(join(tmpdir(), 'gnet-layouts-'));
  try {
    const source = join(folder, 'tables.c');
    const result = join(folder, 'tables.s');
    const questions = questionsOf(tables);
    writeFileSync(source, programOf(questions));
    const problem = compiler(target, source, result);
    if (problem !== undefined) {
      outcome.errors.push(`the headers do not have all of it:\n${problem}`);
      return outcome;
    }
    const assembly = readFileSync(result, 'utf8');
    const values = valuesIn(assembly);
    questions.forEach(({ expression, ours }, at) => {
      if (values[at] === BigInt(ours)) outcome.compared++;
      else outcome.errors.push(`${expression} is ${ours} here and ${values[at]} in C`);
    });
    compareSymbols(assembly, tables, outcome);
    return outcome;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** By platform, each with the headers that it was compared with. */
export async function compareOtherSystems(
  compiler: Compiler,
): Promise<readonly { readonly name: string; readonly with: string; readonly outcome: Outcome }[]> {
  const found = [];
  for (const name of bsdPlatforms) {
    const [os = '', cpu = ''] = name.split('-');
    const tables = await loadBsdPlatform(os, cpu);
    if (tables === undefined) throw new Error(`there are no tables of ${name}`);
    const constants = { ...tables.constants, ...tables.errnoNumbers };
    const own = targets[name];
    if (own !== undefined) {
      const outcome = compareTables(compiler, own, { ...tables, constants });
      found.push({ name, with: 'C', outcome });
      continue;
    }
    const shared = { ...common.constants, ...commonErrnoNumbers };
    const { kevent: _kevent, ...layouts } = tables.layouts as Readonly<
      Record<string, StructLayout>
    >;
    const outcome = compareTables(compiler, kin, { ...tables, constants: shared, layouts });
    const left = Object.keys(constants).length - Object.keys(shared).length;
    const remark = `C of FreeBSD, as far as all have it alike (${left} numbers are its own)`;
    found.push({ name, with: remark, outcome });
  }
  return found;
}
