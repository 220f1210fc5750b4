/**
 * The text of a TypeScript file taken apart far enough for the house rules: what is code, what is
 * inside a string, what is a comment. A scanner instead of a parser, because TypeScript 7 has no
 * stable parser to call; it knows strings, templates, comments and regular expressions.
 */

export interface SourceText {
  readonly raw: string;
  /** As `raw`, same length and lines; comments and the insides of strings are blanks. */
  readonly code: string;
  /** As `code`, with the insides of strings kept. */
  readonly codeAndStrings: string;
  /** As `raw`, with everything but comments blank. */
  readonly comments: string;
}

type Kind = 'code' | 'string' | 'comment';

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

/** The end of a string that begins at `start`: behind its closing quote, or at the end of the line. */
function endOfString(text: string, start: number): number {
  const quote = text[start];
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== '\n')
    at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Where the literal part of a template that begins at `start` ends: behind "`" or before "${". */
function endOfTemplatePart(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) {
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at, text.length);
}

function endOfRegularExpression(text: string, start: number): number {
  let at = start + 1;
  let inClass = false;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

/** A slash after an operand divides; after an operator, a bracket or a keyword it begins a regex. */
function slashBeginsRegularExpression(codeBefore: string): boolean {
  const before = codeBefore.trimEnd();
  return (
    before === '' ||
    /[(,=:[!&|?{};+\-*%~^<>]$/.test(before) ||
    /\b(?:return|typeof|case|in|of|void|delete|await|yield)$/.test(before)
  );
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Depth of braces at which each open template goes on. */
  readonly #templates: number[] = [];
  #depth = 0;
  code = '';
  codeAndStrings = '';
  comments = '';

  constructor(text: string) {
    this.#text = text;
  }

  #take(end: number, kind: Kind): void {
    const part = this.#text.slice(this.#at, end);
    this.code += kind === 'code' ? part : blank(part);
    this.codeAndStrings += kind === 'comment' ? blank(part) : part;
    this.comments += kind === 'comment' ? part : blank(part);
    this.#at = end;
  }

  /** A delimiter, an inside and maybe a delimiter. */
  #takeQuoted(end: number): void {
    this.#take(this.#at + 1, 'code');
    this.#take(Math.max(this.#at, end - 1), 'string');
    this.#take(end, 'code');
  }

  #takeTemplatePart(): void {
    this.#take(this.#at + 1, 'code'); // "`" or "}"
    this.#take(endOfTemplatePart(this.#text, this.#at), 'string');
    if (this.#text[this.#at] === '$') {
      this.#templates.push(this.#depth);
      this.#take(this.#at + 2, 'code');
    } else {
      this.#take(Math.min(this.#at + 1, this.#text.length), 'code');
    }
  }

  #takeBrace(): void {
    if (this.#text[this.#at] === '{') this.#depth += 1;
    else if (this.#templates.at(-1) === this.#depth) {
      this.#templates.pop();
      this.#takeTemplatePart();
      return;
    } else this.#depth -= 1;
    this.#take(this.#at + 1, 'code');
  }

  scan(): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const character = text[this.#at] as string;
      if (text.startsWith('//', this.#at)) {
        const end = text.indexOf('\n', this.#at);
        this.#take(end < 0 ? text.length : end, 'comment');
      } else if (text.startsWith('/*', this.#at)) {
        const end = text.indexOf('*/', this.#at + 2);
        this.#take(end < 0 ? text.length : end + 2, 'comment');
      } else if (character === "'" || character === '"') {
        this.#takeQuoted(endOfString(text, this.#at));
      } else if (character === '`') this.#takeTemplatePart();
      else if (character === '{' || character === '}') this.#takeBrace();
      else if (character === '/' && slashBeginsRegularExpression(this.code.slice(-200))) {
        this.#takeQuoted(endOfRegularExpression(text, this.#at));
      } else this.#take(this.#at + 1, 'code');
    }
  }
}

export function scanSource(raw: string): SourceText {
  const scanner = new Scanner(raw);
  scanner.scan();
  const { code, codeAndStrings, comments } = scanner;
  return { raw, code, codeAndStrings, comments };
}

/** Lines count from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1))
    line += 1;
  return line;
}

export interface ImportReference {
  readonly specifier: string;
  readonly line: number;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
  /** `import()` or `new URL('./x.ts', import.meta.url)`: not needed to load the file. */
  readonly dynamic: boolean;
}

const importForms: readonly { pattern: RegExp; dynamic: boolean }[] = [
  { pattern: /\b(?:import|export)\b(?<type>\s+type\b)?[^;'"()]*?\bfrom\s*['"]/g, dynamic: false },
  { pattern: /\bimport\s*['"]/g, dynamic: false },
  { pattern: /(?<type>\btypeof\s+)?\bimport\s*\(\s*['"]/g, dynamic: true },
  { pattern: /\bnew\s+URL\s*\(\s*['"](?=[^'"]*['"]\s*,\s*import\.meta\.url)/g, dynamic: true },
];

/** Everything that `source` imports, in the order of the forms above. */
export function importsOf(source: SourceText): ImportReference[] {
  const found: ImportReference[] = [];
  for (const { pattern, dynamic } of importForms) {
    for (const match of source.code.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const end = source.code.indexOf(source.code[start - 1] as string, start);
      if (end < 0) continue;
      const text = source.raw.slice(start, end);
      const isUrl = match[0].startsWith('new');
      if (isUrl && !text.endsWith('.ts')) continue;
      // A URL is relative to its file also without the dot.
      const specifier = isUrl && /^\w[^:]*$/.test(text) ? `./${text}` : text;
      found.push({
        specifier,
        line: lineAt(source.raw, start),
        typeOnly: match.groups?.['type'] !== undefined,
        dynamic,
      });
    }
  }
  return found;
}
