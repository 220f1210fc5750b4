/** Every name in the files of the project, and what it means, as the compiler sees it. */
import { join, relative, sep } from 'node:path';
import { type Identifier, isIdentifier, type Node, type SourceFile } from 'typescript/unstable/ast';
import {
  API,
  type Checker,
  type Program,
  type Symbol as Meaning,
  SymbolFlags,
} from 'typescript/unstable/sync';

export interface NamedFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  /** Part of what is shipped: no test, no script, no example. */
  readonly shipped: boolean;
  readonly source: SourceFile;
  /** Every node, parents before their children. */
  readonly nodes: readonly Node[];
  /** What the names in it mean, imports looked through. */
  readonly meaning: ReadonlyMap<Node, number>;
}

export interface Names {
  readonly files: readonly NamedFile[];
  /** What the entries of the package export. */
  readonly exported: ReadonlySet<number>;
}

function walk(source: SourceFile): Node[] {
  const nodes: Node[] = [];
  const visit = (node: Node): void => {
    nodes.push(node);
    node.forEachChild(visit);
  };
  visit(source);
  return nodes;
}

class Reader {
  readonly #root: string;
  readonly #program: Program;
  readonly #checker: Checker;
  /** Of an import, what it is an import of. */
  readonly #targets = new Map<number, number>();

  constructor(root: string, program: Program, checker: Checker) {
    this.#root = root;
    this.#program = program;
    this.#checker = checker;
  }

  files(): NamedFile[] {
    const names = this.#program.getSourceFileNames();
    const own = names.filter(
      (name) => name.startsWith(this.#root) && !name.includes('node_modules'),
    );
    return own.map((name) => this.#file(name));
  }

  #file(name: string): NamedFile {
    const path = relative(this.#root, name).replaceAll(sep, '/');
    const source = this.#program.getSourceFile(name) as SourceFile;
    const nodes = walk(source);
    const identifiers = nodes.filter((node): node is Identifier => isIdentifier(node));
    const symbols = this.#checker.getSymbolAtLocation(identifiers);
    const meaning = new Map<Node, number>();
    for (const [index, symbol] of symbols.entries()) {
      if (symbol !== undefined) meaning.set(identifiers[index] as Node, this.#target(symbol));
    }
    // What runs in browsers is checked as a program of its own.
    const isPage = path.startsWith('src/inspect/page/');
    const shipped = path.startsWith('src/') && !path.endsWith('.test.ts') && !isPage;
    return { path, shipped, source, nodes, meaning };
  }

  #target(symbol: Meaning): number {
    if ((symbol.flags & SymbolFlags.Alias) === 0) return symbol.id;
    const known = this.#targets.get(symbol.id);
    if (known !== undefined) return known;
    const target = this.#checker.getAliasedSymbol(symbol).id;
    this.#targets.set(symbol.id, target);
    return target;
  }

  exportsOf(path: string): number[] {
    const source = this.#program.getSourceFile(join(this.#root, path));
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source);
    if (module === undefined) return [];
    return this.#checker.getExportsOfModule(module).map((symbol) => this.#target(symbol));
  }
}

/** @param entries the files that the package exports. */
export function readNames(root: string, entries: readonly string[]): Names {
  const api = new API({ cwd: root });
  try {
    const config = join(root, 'tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error('the compiler does not know tsconfig.json');
    const reader = new Reader(root, project.program, project.checker);
    const exported = new Set(entries.flatMap((entry) => reader.exportsOf(entry)));
    return { files: reader.files(), exported };
  } finally {
    api.close();
  }
}
