/** How the names of the project are used: by what they mean, or, of members, by how they are spelt. */
import {
  isBindingElement,
  isCallExpression,
  isElementAccessExpression,
  isExportSpecifier,
  isIdentifier,
  isImportClause,
  isImportSpecifier,
  isIndexedAccessTypeNode,
  isLiteralTypeNode,
  isNamespaceImport,
  isNewExpression,
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isShorthandPropertyAssignment,
  isSpreadElement,
  isStringLiteral,
  isVariableDeclaration,
  type Identifier,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import type { NamedFile, Names } from './names.ts';

/** By the files that are shipped, or by all others: tests, examples, scripts. */
export class Uses {
  /** The files that use a name, other than to import or declare it. */
  readonly files = new Map<number, Set<string>>();
  readonly members = new Set<string>();
  /** The most arguments that anything of that name was called with. */
  readonly mostArguments = new Map<string, number>();
  /** What is handed on as a value: whoever calls it cannot be seen. */
  readonly values = new Set<string>();
  readonly made = new Set<string>();
  /** What is used as a whole: any of its members may be meant. */
  readonly whole = new Set<number>();

  add(file: NamedFile): void {
    for (const node of file.nodes) {
      if (isIdentifier(node)) this.#identifier(file, node);
      else if (isCallExpression(node) || isNewExpression(node)) this.#call(node);
      else if (isElementAccessExpression(node)) this.#text(node.argumentExpression);
      else if (isIndexedAccessTypeNode(node) && isLiteralTypeNode(node.indexType)) {
        this.#text(node.indexType.literal);
      } else if (isBindingElement(node)) this.#binding(node);
    }
  }

  #text(node: Node | undefined): void {
    if (node !== undefined && isStringLiteral(node)) this.members.add(node.text);
  }

  #binding({ propertyName, name, parent }: Node & { propertyName?: Node; name?: Node }): void {
    if (parent.kind !== SyntaxKind.ObjectBindingPattern) return;
    const read = propertyName ?? name;
    if (read !== undefined && isIdentifier(read)) this.members.add(read.text);
  }

  #identifier(file: NamedFile, node: Identifier): void {
    const parent: Node = node.parent;
    const imported =
      isImportSpecifier(parent) || isImportClause(parent) || isNamespaceImport(parent);
    if (imported || isExportSpecifier(parent)) return;
    const isMember = isPropertyAccessExpression(parent) && parent.name === node;
    const isNamed = (parent as { readonly name?: Node }).name === node;
    if (isMember) this.members.add(node.text);
    else if (isNamed && !isShorthandPropertyAssignment(parent)) return;
    const meaning = file.meaning.get(node);
    if (meaning === undefined) return;
    const known = this.files.get(meaning) ?? new Set();
    this.files.set(meaning, known.add(file.path));
    if (!isCalled(isMember ? parent : node)) this.values.add(node.text);
    if (!isTakenApart(node)) this.whole.add(meaning);
  }

  #call(node: Node & { expression: Node; arguments?: readonly Node[] }): void {
    const callee = node.expression;
    const last = isPropertyAccessExpression(callee) ? callee.name : callee;
    const name = isIdentifier(last)
      ? last.text
      : last.kind === SyntaxKind.SuperKeyword
        ? 'super'
        : '';
    if (isNewExpression(node)) this.made.add(name);
    const given = node.arguments ?? [];
    const count = given.some((one) => isSpreadElement(one)) ? Infinity : given.length;
    this.mostArguments.set(name, Math.max(count, this.mostArguments.get(name) ?? 0));
  }
}

/** `table.member`, or `const { member } = table`. */
function isTakenApart(node: Node): boolean {
  const { parent } = node;
  if (isPropertyAccessExpression(parent)) return parent.expression === node;
  return isVariableDeclaration(parent) && isObjectBindingPattern(parent.name);
}

function isCalled(callee: Node): boolean {
  const { parent } = callee;
  return (isCallExpression(parent) || isNewExpression(parent)) && parent.expression === callee;
}

export function usesOf({ files }: Names): { readonly shipped: Uses; readonly others: Uses } {
  const shipped = new Uses();
  const others = new Uses();
  for (const file of files) (file.shipped ? shipped : others).add(file);
  return { shipped, others };
}
