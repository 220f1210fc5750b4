/**
 * Compares the tables of src/platform/ for this platform, and those of src/tls/openssl/, with what C
 * headers say: sizeof, offsetof and constants. Needs a C compiler (`CC`, cc, gcc or clang); without one
 * it says so and succeeds, as it does for each name that these headers do not have.
 *
 * Then those of macOS and the BSDs, by a compiler that brings their headers: `layouts/other-systems.ts`.
 *
 *     npm run layouts
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireLinux, type StructLayout } from '../src/platform/index.ts';
import { errnoNumbers } from '../src/platform/linux-errno.ts';
import { ioUringConstants, ioUringLayouts } from '../src/platform/linux-io-uring.ts';
import { bufMemLayout, constants as opensslConstants } from '../src/tls/openssl/constants.ts';
import { verifyErrorNames } from '../src/tls/verify-errors.ts';
import {
  constantsProgram,
  headerSets,
  includesProgram,
  ioUringHeaderSets,
  ioUringStructsInC,
  opensslHeaderSets,
  opensslStructsInC,
  type StructInC,
  structProgram,
  structsInC,
} from './layouts/c-program.ts';
import { compareOtherSystems } from './layouts/other-systems.ts';
import type { Outcome } from './layouts/outcome.ts';
import { findZig } from './layouts/zig.ts';

/** Undefined elsewhere: the other systems' tables are compared in the same way everywhere. */
const platform = process.platform === 'linux' ? requireLinux() : undefined;
const platformName = `${process.platform}-${process.arch}`;

function findCompiler(): string | undefined {
  return [process.env['CC'], 'cc', 'gcc', 'clang']
    .filter((name) => name !== undefined && name !== '')
    .find((name) => spawnSync(name as string, ['--version']).status === 0);
}

/** What the program prints, as words per line; undefined when it does not compile. */
function runProgram(compiler: string, folder: string, text: string): string[][] | undefined {
  const source = join(folder, 'program.c');
  const executable = join(folder, 'program');
  writeFileSync(source, text);
  const compiled = spawnSync(compiler, ['-o', executable, source], { encoding: 'utf8' });
  if (compiled.status !== 0) return undefined;
  const { stdout } = spawnSync(executable, { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

/** Those of the names that an `enum` of these headers has. */
function enumeratorsIn(
  compiler: string,
  folder: string,
  headers: readonly string[],
  names: readonly string[],
  prefix: string,
): ReadonlySet<string> {
  const source = join(folder, 'includes.c');
  writeFileSync(source, includesProgram(headers));
  const { stdout } = spawnSync(compiler, ['-E', '-P', source], { encoding: 'utf8' });
  const words = new Set(stdout.match(/\w+/g));
  return new Set(names.filter((name) => words.has(prefix + name)));
}

function compareConstants(
  compiler: string,
  folder: string,
  ours: Readonly<Record<string, number>>,
  prefix: string,
  outcome: Outcome,
  sets: readonly (readonly string[])[] = headerSets,
): void {
  const values = new Map<string, number>();
  const names = Object.keys(ours);
  for (const headers of sets) {
    const enumerators = enumeratorsIn(compiler, folder, headers, names, prefix);
    const program = constantsProgram(headers, names, prefix, enumerators);
    for (const [name, value] of runProgram(compiler, folder, program) ?? []) {
      if (name !== undefined && !values.has(name)) values.set(name, Number(value));
    }
  }
  for (const [name, value] of Object.entries(ours)) {
    const inC = values.get(name);
    if (inC === undefined) outcome.skipped.push(`${prefix}${name}`);
    else if (inC !== value)
      outcome.errors.push(`${prefix}${name} is ${value} here and ${inC} in C`);
    else outcome.compared += 1;
  }
}

function compareStruct(
  printed: readonly (readonly string[])[],
  name: string,
  layout: StructLayout,
  outcome: Outcome,
  grows: boolean,
): void {
  const inC = new Map(printed.map(([field, ...numbers]) => [field, numbers.join(' ')]));
  const ours: [string, string][] = grows ? [] : [['size', String(layout.size)]];
  for (const [field, { offset, size }] of Object.entries(layout.fields)) {
    ours.push([field, `${offset} ${size}`]);
  }
  for (const [field, value] of ours) {
    const found = inC.get(field);
    if (found === value) outcome.compared += 1;
    else if (found === undefined) outcome.skipped.push(`${name}.${field}`);
    else outcome.errors.push(`${name} ${field} is ${value} here and ${found} in C`);
  }
}

/** What C says of a struct: of all its fields, or else of those that these headers know. */
function printStruct(
  compiler: string,
  folder: string,
  sets: readonly (readonly string[])[],
  struct: StructInC,
  fields: readonly string[],
): string[][] | undefined {
  const print = (wanted: readonly string[]): string[][] | undefined => {
    for (const headers of sets) {
      const printed = runProgram(compiler, folder, structProgram(headers, struct, wanted));
      if (printed !== undefined) return printed;
    }
    return undefined;
  };
  return print(fields) ?? print([])?.concat(fields.flatMap((field) => print([field]) ?? []));
}

function compareStructs(
  compiler: string,
  folder: string,
  ours: Readonly<Record<string, StructLayout>>,
  outcome: Outcome,
  structs: readonly StructInC[] = structsInC,
  sets: readonly (readonly string[])[] = headerSets,
): void {
  for (const name of Object.keys(ours)) {
    if (!structs.some((struct) => struct.table === name)) {
      outcome.errors.push(`layouts.${name} has no C name in scripts/layouts/c-program.ts`);
    }
  }
  for (const struct of structs) {
    const layout = ours[struct.table];
    if (layout === undefined) continue;
    const printed = printStruct(compiler, folder, sets, struct, Object.keys(layout.fields));
    if (printed === undefined) outcome.skipped.push(`struct ${struct.name}`);
    else compareStruct(printed, `struct ${struct.name}`, layout, outcome, struct.grows === true);
  }
}

function compareIoUring(compiler: string, folder: string, outcome: Outcome): void {
  const sets = ioUringHeaderSets;
  compareConstants(compiler, folder, ioUringConstants, '', outcome, sets);
  compareStructs(compiler, folder, ioUringLayouts, outcome, ioUringStructsInC, sets);
}

/** OpenSSL's numbers are the same on every platform; `struct buf_mem_st` is that of 64 bits. */
function compareOpenssl(compiler: string, folder: string, outcome: Outcome): void {
  compareConstants(compiler, folder, opensslConstants, '', outcome, opensslHeaderSets);
  const verifyErrors = Object.fromEntries(verifyErrorNames.map((name, index) => [name, index + 1]));
  compareConstants(compiler, folder, verifyErrors, 'X509_V_ERR_', outcome, opensslHeaderSets);
  const layouts = { bufMem: bufMemLayout };
  compareStructs(compiler, folder, layouts, outcome, opensslStructsInC, opensslHeaderSets);
}

function compareWithC(compiler: string): Outcome {
  const outcome: Outcome = { compared: 0, skipped: [], errors: [] };
  if (platform === undefined) return outcome;
  const folder = mkdtempSync(join(tmpdir(), 'gnet-layouts-'));
  try {
    compareConstants(compiler, folder, platform.constants, '', outcome);
    compareConstants(compiler, folder, errnoNumbers, '', outcome);
    compareConstants(compiler, folder, platform.syscallNumbers, 'SYS_', outcome);
    compareStructs(compiler, folder, platform.layouts, outcome);
    compareIoUring(compiler, folder, outcome);
    compareOpenssl(compiler, folder, outcome);
  } finally {
    rmSync(folder, { recursive: true });
  }
  // So few would mean that the programs do not compile, not that the tables are right.
  if (outcome.compared < 300) outcome.errors.push(`only ${outcome.compared} values were compared`);
  return outcome;
}

const compiler = findCompiler();
if (platform === undefined) {
  console.log(`layouts: ${platformName} is compared with the other systems`);
} else if (compiler === undefined) {
  console.log('layouts: skipped, there is no C compiler');
} else {
  const { compared, skipped, errors } = compareWithC(compiler);
  for (const error of errors) console.error(`src/platform:1: error: ${platformName}: ${error}`);
  if (skipped.length > 0) console.log(`layouts: not in these headers: ${skipped.join(', ')}`);
  console.log(`layouts: ${compared} values of ${platformName} compared with C`);
  if (errors.length > 0) process.exitCode = 1;
}

const zig = findZig();
if (typeof zig === 'string') {
  console.log(`layouts: skipped those of macOS and the BSDs: ${zig}`);
} else {
  for (const { name, with: whom, outcome } of await compareOtherSystems(zig)) {
    const { compared, errors } = outcome;
    for (const error of errors) console.error(`src/platform/bsd:1: error: ${name}: ${error}`);
    console.log(`layouts: ${compared} values of ${name} compared with ${whom}`);
    if (errors.length > 0) process.exitCode = 1;
  }
}
