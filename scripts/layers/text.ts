/** Rules about the text of single files. */
import { type Finding, isTest, type Project, type TypeScriptFile } from './project.ts';
import { lineAt } from './source-text.ts';

export const linesPerFileMax = 500;
/** A little over the formatter's 100, because comments are folded by hand. */
export const commentColumnsMax = 110;

interface TextRule {
  readonly where: 'code' | 'comments';
  readonly pattern: RegExp;
  readonly message: string;
  readonly applies?: (path: string) => boolean;
}

const textRules: readonly TextRule[] = [
  {
    where: 'comments',
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g,
    message: 'is a note to self: do it, or open an issue',
  },
  {
    where: 'comments',
    pattern: /@ts-(?:ignore|nocheck)\b/g,
    message: 'switches the type check off',
  },
  {
    where: 'code',
    pattern: /\b(?:test|it|describe|suite)\.only\b/g,
    message: 'leaves the other tests out',
  },
  { where: 'code', pattern: /\bdebugger\b/g, message: 'stops the program' },
  {
    where: 'code',
    pattern: /^[ \t]*(?:await )?using [\w$]+ =/gm,
    message: 'cannot be parsed by Node 22',
    applies: (path) => path.startsWith('src/') && !isTest(path),
  },
];

// Put together from parts, so that this file does not contain what it looks for.
const machinePath = new RegExp(
  `(?<![\\w.~$}/-])/(?:${['home', 'root', 'work', 'Users'].join('|')})/[\\w.-]+`,
  'g',
);

function* patternFindings(file: TypeScriptFile): Generator<Finding> {
  for (const rule of textRules) {
    if (rule.applies?.(file.path) === false) continue;
    const text = file.source[rule.where];
    for (const match of text.matchAll(rule.pattern)) {
      const message = `'${match[0].trim()}' ${rule.message}`;
      yield { file: file.path, line: lineAt(text, match.index), message };
    }
  }
}

/** Code is folded by the formatter and strings cannot be; comments are left to their writer. */
function* longCommentFindings(file: TypeScriptFile): Generator<Finding> {
  const lines = file.source.raw.split('\n');
  const comments = file.source.comments.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.length <= commentColumnsMax || comments[index]?.trim() === '') continue;
    if (line.includes('://')) continue;
    const message = `a comment has ${line.length} columns, at most ${commentColumnsMax} are readable`;
    yield { file: file.path, line: index + 1, message };
  }
}

function* fileLengthFindings(file: TypeScriptFile): Generator<Finding> {
  const lines = file.source.raw.trimEnd().split('\n').length;
  if (lines <= linesPerFileMax) return;
  const message = `has ${lines} lines, at most ${linesPerFileMax} are one concept`;
  yield { file: file.path, line: linesPerFileMax + 1, message };
}

function* machinePathFindings(path: string, text: string): Generator<Finding> {
  for (const match of text.matchAll(machinePath)) {
    const message = `'${match[0]}' is a path of somebody's machine`;
    yield { file: path, line: lineAt(text, match.index), message };
  }
}

export function textFindings(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const file of project.typeScript.values()) {
    findings.push(
      ...patternFindings(file),
      ...longCommentFindings(file),
      ...fileLengthFindings(file),
    );
  }
  for (const [path, text] of project.texts) {
    if (path !== 'package-lock.json' && !path.startsWith('test/data/')) {
      findings.push(...machinePathFindings(path, text));
    }
  }
  return findings;
}
