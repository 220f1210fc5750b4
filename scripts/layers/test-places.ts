/** Where tests live: CONTRIBUTING.md has the rule. */
import {
  type Finding,
  isTest,
  type Project,
  resolveImport,
  type TypeScriptFile,
} from './project.ts';

/** `src/tls/openssl/session.memory.test.ts` is a topic of `src/tls/openssl/session.ts`. */
const subjectOf = (path: string): string => path.replace(/(?:\.[a-z-]+)?\.test\.ts$/, '.ts');

const isSocketModule = (specifier: string): boolean => /^node:(?:net|dgram|tls)$/.test(specifier);
const isPublicFace = (specifier: string, name: string): boolean =>
  specifier === name || specifier.startsWith(`${name}/`);

/** What a test of several rooms has to do with, itself or through what it imports. */
const wholes = /^(?:src\/loop\/event-loop\.ts|src\/server\/|docs\/|package\.json|examples\/)/;

/** Whether a test has to do with more than files: a program, a server, a loop, a document. */
function usesWhole(file: TypeScriptFile, project: Project, seen: Set<string>): boolean {
  if (seen.has(file.path)) return false;
  seen.add(file.path);
  if (/['"`][^'"`\n]*\bdocs\//.test(file.source.codeAndStrings)) return true;
  return file.imports.some(({ specifier, typeOnly }) => {
    if (typeOnly) return false;
    if (isPublicFace(specifier, project.name) || isSocketModule(specifier)) return true;
    if (specifier === 'node:child_process') return true;
    const target = resolveImport(file.path, specifier);
    if (target === undefined) return false;
    if (wholes.test(target)) return true;
    const next = project.typeScript.get(target);
    return next !== undefined && !target.startsWith('src/') && usesWhole(next, project, seen);
  });
}

function unitProblem(file: TypeScriptFile, project: Project): string | undefined {
  const subject = subjectOf(file.path);
  if (!project.typeScript.has(subject)) return `tests no file: ${subject} does not exist`;
  if (file.path.startsWith('src/')) {
    for (const { specifier, typeOnly } of file.imports) {
      if (typeOnly || (!isSocketModule(specifier) && specifier !== project.name)) continue;
      return `imports ${specifier}: a test over sockets or the public face is in test/`;
    }
  }
  return undefined;
}

function topicProblem(file: TypeScriptFile, project: Project): string | undefined {
  if (!/^test\/[^/]+\/[^/]+$/.test(file.path)) return 'is in no folder of test/ for its topic';
  if (usesWhole(file, project, new Set())) return undefined;
  return 'uses no server, client, loop, program or document: put it beside the file it tests';
}

/** Units stand beside their file; what needs more of the house is in test/, by topic. */
export function testPlaceFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const file of project.typeScript.values()) {
    if (!isTest(file.path)) continue;
    const isTopic = file.path.startsWith('test/');
    const message = isTopic ? topicProblem(file, project) : unitProblem(file, project);
    if (message !== undefined) findings.push({ file: file.path, line: 1, message });
  }
  return findings;
}
