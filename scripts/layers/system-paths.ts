/**
 * What only some systems have: files that a kernel makes, as under `/proc`, and paths with `/` between
 * their parts. Code that uses them must bear that they are not there.
 */
import { type Finding, isTest, type Project, type TypeScriptFile } from './project.ts';
import { lineAt } from './source-text.ts';

/** Not looked at, each for its reason. */
const exempt = [
  // Only one system runs these.
  /^src\/syscall\/[^/]+\//,
  // It begins with a system call that only Linux has.
  /^src\/server\/restart\/parent\.ts$/,
  // Text of programs that are made for Linux.
  /^src\/command\/templates?\b[^/]*\.ts$/,
  // Paths of URLs.
  /^src\/http\/static-files\.ts$/,
  /^src\/inspect\/(?:page\/|routes\.ts$)/,
];

const systemFile = /(?<=['"`])\/(?:proc|sys|dev|etc|run|tmp|var|lib|usr)\b/g;
/** A name that stands for such a file: `const statFile = '/proc/stat'`, `file = '/proc/stat'`. */
const nameBefore = /([\w$]+)(?:: string)? =\s*['"`]$/;

const byHand =
  /\b\w*(?:path|file|folder|directory)\w*\.(?:split|startsWith|endsWith|lastIndexOf|indexOf)\(['"`]\//gi;
const urlAsPath = /\bimport\.meta\.url\)\.pathname\b/g;

/** Where the block around a place begins; -1 at the top. */
function blockAround(code: string, place: number): number {
  let depth = 0;
  for (let at = place - 1; at >= 0; at--) {
    if (code[at] === '}') depth++;
    else if (code[at] === '{' && depth-- === 0) return at;
  }
  return -1;
}

/** Whether what is thrown there is caught in the same function. */
export function isCaught(code: string, place: number): boolean {
  for (let at = blockAround(code, place); at >= 0; at = blockAround(code, at)) {
    const before = code.slice(0, at).trimEnd();
    if (/\btry$/.test(before)) return true;
    if (before.endsWith('=>')) return false;
  }
  return false;
}

/** Where the file is used: at the place itself, or wherever its name is an argument. */
function usesOf(file: TypeScriptFile, place: number): number[] {
  const { code, codeAndStrings } = file.source;
  const [, name] = nameBefore.exec(codeAndStrings.slice(0, place)) ?? [];
  if (name === undefined) return [place];
  const asArgument = new RegExp(`[(,]\\s*${name.replaceAll('$', '\\$')}\\b(?!\\s*[:=])`, 'g');
  const inText = new RegExp(`\\$\\{${name.replaceAll('$', '\\$')}\\}`, 'g');
  return [...code.matchAll(asArgument), ...code.matchAll(inText)].map(({ index }) => index);
}

function* findingsOf(file: TypeScriptFile): Generator<Finding> {
  const { code, codeAndStrings } = file.source;
  const found = (place: number, message: string): Finding => {
    return { file: file.path, line: lineAt(code, place), message };
  };
  for (const { index, 0: text } of codeAndStrings.matchAll(systemFile)) {
    for (const use of usesOf(file, index)) {
      if (isCaught(code, use)) continue;
      yield found(use, `uses a file below ${text} outside of a try: not every system has it`);
    }
  }
  for (const { index } of codeAndStrings.matchAll(byHand)) {
    yield found(index, "takes a path apart by '/': node:path knows what is between its parts");
  }
  for (const { index } of code.matchAll(urlAsPath)) {
    yield found(index, 'takes the path of a URL for that of a file: use fileURLToPath');
  }
}

export function systemPathFindings(project: Project): Finding[] {
  return [...project.typeScript.values()]
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .filter(({ path }) => !exempt.some((pattern) => pattern.test(path)))
    .flatMap((file) => [...findingsOf(file)]);
}
