/**
 * Makes the pages of the site out of the documents of the repository. They are written to be read in a
 * repository: a link may lead to any file of it. Each file that one leads to gets a page.
 */
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { pagesOutside, type Place, placeOf } from './places.ts';

const languages: Readonly<Record<string, string>> = {
  '.ts': 'ts',
  '.sh': 'sh',
  '.json': 'json',
  '.yml': 'yaml',
  '.c': 'c',
  '.mjs': 'js',
};

/** A page that is written, and what a reader of a list is told of it. */
export interface Page {
  readonly path: string;
  readonly title: string;
  readonly about: string;
}

export class Content {
  readonly #root: string;
  readonly #folder: string;
  readonly #pages = new Map<string, Page>();
  /** Files that pages lead to and that have none yet, by their path in the repository. */
  readonly #wanted = new Map<string, Place>();
  readonly #lost: string[] = [];

  constructor(root: string, folder: string) {
    this.#root = root;
    this.#folder = folder;
  }

  /** @throws Error when a link of a document leads nowhere. */
  write(): readonly Page[] {
    rmSync(this.#folder, { recursive: true, force: true });
    const documents = globSync('docs/**/*.md', { cwd: this.#root }).sort();
    for (const path of [...documents, ...pagesOutside]) this.#document(path);
    this.#examples();
    for (const [path, place] of this.#wanted) this.#file(path, place);
    if (this.#lost.length > 0)
      throw new Error(`links that lead nowhere:\n${this.#lost.join('\n')}`);
    return [...this.#pages.values()];
  }

  #document(path: string): void {
    const { path: page } = placeOf(this.#root, path) as Place;
    const written = readFileSync(join(this.#root, path), 'utf8').replace(/<!--[\s\S]*?-->\n?/g, '');
    const text = page === 'errors' ? withCodeAnchors(written) : written;
    const [, title = page] = /^# (.+)$/m.exec(text) ?? [];
    const paragraphs = text.split('\n\n');
    const about =
      paragraphs.find((part) => /^(?:[A-Z]|`[^`])/.test(part))?.replaceAll('\n', ' ') ?? '';
    this.#put(page, this.#linked(text, path, page), title, about);
  }

  /** With each link to a file of the repository leading to its page. */
  #linked(text: string, path: string, page: string): string {
    const parts = text.split(/(^```[\s\S]*?^```$)/m);
    const links = /(\]\()([^)\s]+)(\))/g;
    return parts
      .map((part) => {
        if (part.startsWith('```')) return part;
        return part.replace(links, (_, open, target, close) => {
          return `${open}${this.#target(target, path, page)}${close}`;
        });
      })
      .join('');
  }

  #target(target: string, path: string, page: string): string {
    if (/^(?:[a-z]+:|#)/.test(target)) return target;
    const [file = '', anchor] = target.split('#');
    const wanted = posix.normalize(posix.join(posix.dirname(path), file));
    const place = placeOf(this.#root, wanted);
    if (place === undefined) {
      this.#lost.push(`${path}: ${target}`);
      return target;
    }
    if (place.kind !== 'document') this.#wanted.set(wanted, place);
    const from = posix.dirname(`/${page}`);
    const relative = posix.relative(from, `/${place.path}`);
    const shown = place.kind === 'image' ? `./${relative}` : `./${relative}.md`;
    return anchor === undefined ? shown : `${shown}#${anchor}`;
  }

  #put(page: string, text: string, title: string, about: string): void {
    const file = join(this.#folder, `${page}.md`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    this.#pages.set(page, {
      path: page,
      title,
      about: about.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1'),
    });
  }

  #file(path: string, place: Place): void {
    if (place.kind === 'image') {
      const file = join(this.#folder, place.path);
      mkdirSync(dirname(file), { recursive: true });
      cpSync(join(this.#root, path), file);
    } else if (place.kind === 'folder') this.#list(path.replace(/\/$/, ''), place.path);
    else this.#source(path, place.path);
  }

  #source(path: string, page: string): void {
    const code = readFileSync(join(this.#root, path), 'utf8');
    const language = languages[posix.extname(path)] ?? 'text';
    const fence = `# ${path}\n\n\`\`\`\`${language}\n${code.trimEnd()}\n\`\`\`\`\n`;
    this.#put(page, fence, path, firstComment(code));
  }

  #list(path: string, page: string): void {
    const names = readdirSync(join(this.#root, path)).sort();
    const lines = names.map((name) => `- [${name}](${name})`);
    this.#put(
      page,
      this.#linked(`# ${path}\n\n${lines.join('\n')}\n`, `${path}/x`, page),
      path,
      '',
    );
  }

  #examples(): void {
    const programs = globSync('examples/*.ts', { cwd: this.#root }).sort();
    const rows = programs.map((path) => {
      const about = firstComment(readFileSync(join(this.#root, path), 'utf8'));
      return `| [${posix.basename(path, '.ts')}](${posix.basename(path)}) | ${about} |`;
    });
    const text = `# Examples\n\nWhole programs. Each says in its first lines how to run it, and is run by the tests.\n\n| program | |\n|---|---|\n${rows.join('\n')}\n`;
    this.#put(
      'examples',
      this.#linked(text, 'examples/x', 'examples'),
      'Examples',
      'Whole programs.',
    );
  }
}

/** Each code that a table begins a row with gets an anchor of its own name. */
function withCodeAnchors(text: string): string {
  const seen = new Set<string>();
  return text.replaceAll(/^\| `[^|]+(?=\|)/gm, (cell) =>
    cell.replaceAll(/`((?:Err|E[A-Z])\w+)`/g, (code, name: string) => {
      if (seen.has(name)) return code;
      seen.add(name);
      return `${code}{#${name}}`;
    }),
  );
}

/** The first sentence of the first comment. */
function firstComment(code: string): string {
  const block = /^(?:#!.*\n)?(?:\/\*\*([\s\S]*?)\*\/|# (.*))/.exec(code);
  const text = (block?.[1] ?? block?.[2] ?? '').replaceAll(/^\s*\* ?/gm, '').trim();
  const [paragraph = ''] = text.split(/\n\s*\n/);
  const sentence = /^[\s\S]*?[.:](?=\s|$)/.exec(paragraph)?.[0] ?? paragraph;
  return sentence.replaceAll(/\s+/g, ' ').replace(/:$/, '.').replaceAll('|', '\\|');
}
