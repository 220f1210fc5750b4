/** What nobody uses, of the names in the shipped files. */
import {
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isObjectLiteralExpression,
  isParameterDeclaration,
  isPropertyAssignment,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import type { NamedFile, Names } from './names.ts';
import { type Uses, usesOf } from './uses.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

type Named = Node & { readonly name?: Node; readonly modifiers?: readonly Node[] };

const topLevel = [
  isFunctionDeclaration,
  isClassDeclaration,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  isVariableDeclaration,
] as const;
const memberKinds = [
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
] as const;

/** Numbers of the system and of C libraries, kept as whole families. */
const tables = /^src\/(?:platform\/|tls\/openssl\/(?:constants|symbols)\.ts$)/;

/** What the program gives us to read: nobody may be asked for it in vain. */
const givenByPrograms = /(?:Options|Option|Timeouts)$/;

class Search {
  readonly findings: Finding[] = [];
  readonly #names: Names;
  readonly #shipped: Uses;
  readonly #others: Uses;

  constructor(names: Names) {
    this.#names = names;
    const { shipped, others } = usesOf(names);
    this.#shipped = shipped;
    this.#others = others;
  }

  run(): void {
    for (const file of this.#names.files) {
      if (!file.shipped || tables.test(file.path)) continue;
      for (const node of file.nodes) {
        if (topLevel.some((is) => is(node))) this.#export(file, node);
        if (memberKinds.some((is) => is(node)) || isPropertyAssignment(node))
          this.#member(file, node);
        if (isParameterDeclaration(node)) this.#parameter(file, node);
      }
    }
  }

  #report(file: NamedFile, node: Node, message: string): void {
    const before = file.source.text.slice(0, node.getStart(file.source));
    this.findings.push({ file: file.path, line: before.split('\n').length, message });
  }

  #meaning(file: NamedFile, node: Named): number {
    return (node.name === undefined ? undefined : file.meaning.get(node.name)) ?? -1;
  }

  #isPublic(file: NamedFile, node: Named): boolean {
    return this.#names.exported.has(this.#meaning(file, node));
  }

  // -- exports ------------------------------------------------------------------------------------

  #export(file: NamedFile, node: Named): void {
    const { name } = node;
    if (name === undefined || !isIdentifier(name)) return;
    const statement: Named = isVariableDeclaration(node) ? node.parent.parent : node;
    const modifiers = (statement.modifiers ?? []).map(({ kind }) => kind);
    // The default of a module that threads load has no name there.
    if (!modifiers.includes(SyntaxKind.ExportKeyword)) return;
    if (modifiers.includes(SyntaxKind.DefaultKeyword)) return;
    if (this.#isPublic(file, node)) {
      this.#error(file, node, name.text);
      return;
    }
    const meaning = this.#meaning(file, node);
    const users = this.#shipped.files.get(meaning) ?? new Set();
    if ([...users].some((path) => path !== file.path)) return;
    // Of a module that is imported when it is needed, exports are members.
    const uses = [this.#shipped, this.#others];
    if (uses.some(({ members }) => members.has(name.text))) return;
    if (this.#others.files.has(meaning)) return;
    if (users.size === 0) this.#report(file, name, `nobody uses ${name.text}`);
    // Types stay exported: they are part of the signatures of others.
    else if (!this.#isType(file, node)) this.#report(file, name, `nobody imports ${name.text}`);
  }

  /** Or of the name of one, as constants are whose values are a type. */
  #isType(file: NamedFile, node: Named): boolean {
    if (!isVariableDeclaration(node)) return !isFunctionDeclaration(node);
    const name = node.name.getText(file.source);
    return new RegExp(`^export type ${name}\\b`, 'm').test(file.source.text);
  }

  /** Errors of the public face: used by programs, but somebody here must make them. */
  #error(file: NamedFile, node: Named, name: string): void {
    if (!isClassDeclaration(node) || !/^Err/.test(name) || this.#shipped.made.has(name)) return;
    const text = file.source.text.slice(node.getFullStart(), node.getStart(file.source));
    if (!/Never thrown/.test(text)) this.#report(file, node, `nothing makes ${name}`);
  }

  // -- members ------------------------------------------------------------------------------------

  #member(file: NamedFile, node: Named): void {
    const { name } = node;
    if (name === undefined || !isIdentifier(name) || !this.#isLookedAt(file, node)) return;
    const { text } = name;
    const known = [this.#shipped, this.#others].some(({ members }) => members.has(text));
    if (!known && !text.startsWith('_'))
      this.#report(file, name, `nobody names the member ${text}`);
  }

  #isLookedAt(file: NamedFile, node: Node): boolean {
    if (isPropertyAssignment(node)) return this.#isOfConstantTable(file, node);
    let owner: Named = node.parent;
    while (!topLevel.some((is) => is(owner))) {
      if (owner.parent === undefined) return false;
      owner = owner.parent;
    }
    if (owner.name === undefined || !isIdentifier(owner.name)) return false;
    return !this.#isPublic(file, owner) || givenByPrograms.test(owner.name.text);
  }

  /** A constant at the top of a file, of which all users name the members that they want. */
  #isOfConstantTable(file: NamedFile, node: Node): boolean {
    const literal = node.parent;
    if (!isObjectLiteralExpression(literal)) return false;
    let owner: Node = literal.parent;
    if (owner.kind === SyntaxKind.AsExpression) owner = owner.parent;
    if (!isVariableDeclaration(owner) || owner.parent.parent.parent !== file.source) return false;
    return !this.#shipped.whole.has(this.#meaning(file, owner));
  }

  // -- parameters ---------------------------------------------------------------------------------

  #parameter(file: NamedFile, node: Node): void {
    if (!isParameterDeclaration(node)) return;
    if (node.questionToken === undefined && node.initializer === undefined) return;
    const owner = node.parent as Named & { readonly parameters: readonly Node[] };
    const callee = isConstructorDeclaration(owner) ? (owner.parent as Named) : owner;
    const { name } = callee;
    if (name === undefined || !isIdentifier(name)) return;
    if (this.#isPublic(file, callee) || this.#isPublic(file, owner.parent)) return;
    if (this.#shipped.values.has(name.text) && !isConstructorDeclaration(owner)) return;
    const index = owner.parameters.indexOf(node);
    if (this.#most(this.#shipped, owner, name.text) > index) return;
    if (this.#most(this.#others, owner, name.text) > index) return;
    const parameter = node.name.getText(file.source);
    this.#report(file, node, `nobody gives ${name.text} its parameter ${parameter}`);
  }

  #most(uses: Uses, owner: Node, name: string): number {
    const most = uses.mostArguments.get(name) ?? 0;
    const inherited = isConstructorDeclaration(owner) ? (uses.mostArguments.get('super') ?? 0) : 0;
    return Math.max(most, inherited);
  }
}

export function findUnused(names: Names): Finding[] {
  const search = new Search(names);
  search.run();
  return search.findings;
}
