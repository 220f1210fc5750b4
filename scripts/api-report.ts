/**
 * The public types of every entry of the package as text, in `api/`: a change of one shows in the diff of
 * the change that makes it. Needs dist/ (`npm run build`).
 *
 *     npm run api                 writes api/
 *     npm run api -- --check      fails if api/ says something else, and names what
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  type ExtractorLogLevel,
} from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const committed = join(root, 'api');

interface Entry {
  readonly name: string;
  readonly types: string;
}

function entries(): Entry[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly types: string } | string>>;
  };
  return Object.entries(manifest.exports).flatMap(([path, entry]) => {
    if (typeof entry === 'string') return [];
    const name = path === '.' ? 'gnet' : path.slice(2).replaceAll('/', '-');
    return [{ name, types: join(root, entry.types) }];
  });
}

const silent = { default: { logLevel: 'none' as ExtractorLogLevel } };

function configOf({ name, types }: Entry, folder: string): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2023',
            lib: ['ES2024', 'ESNext.Disposable'],
            module: 'NodeNext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          include: ['dist/types/**/*.d.ts'],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: folder,
        reportTempFolder: join(folder, 'temp'),
        // What the types of the core refer to is written once, with the core.
        includeForgottenExports: name === 'gnet',
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: silent,
        compilerMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
  });
}

/** Writes a report for each entry; all of them from one look at the types. */
function report(folder: string): void {
  const all = entries();
  const configs = all.map((entry) => configOf(entry, folder));
  const [first] = configs;
  if (first === undefined) throw new Error('package.json has no exports');
  const additionalEntryPoints = all.map(({ types }) => types);
  const compilerState = CompilerState.create(first, { additionalEntryPoints });
  for (const config of configs) {
    Extractor.invoke(config, {
      localBuild: true,
      compilerState,
      messageCallback: (message) => {
        message.handled = true;
      },
    });
  }
  rmSync(join(folder, 'temp'), { recursive: true, force: true });
}

const reports = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.api.md'));

/** The first line that differs, for whoever has to look. */
function difference(name: string, folder: string): string | null {
  const read = (place: string): string[] =>
    reports(place).includes(name) ? readFileSync(join(place, name), 'utf8').split('\n') : [];
  const [was, is] = [read(committed), read(folder)];
  const at = is.findIndex((line, index) => line !== was[index]);
  if (at === -1 && was.length === is.length) return null;
  const line = at === -1 ? is.length : at;
  return `api/${name}:${line + 1}: error: was ${was[line] ?? 'nothing'}, is ${is[line] ?? 'nothing'}`;
}

function check(): void {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-api-'));
  try {
    report(folder);
    const names = new Set([...reports(committed), ...reports(folder)]);
    const found = [...names].flatMap((name) => difference(name, folder) ?? []);
    for (const line of found) console.error(line);
    if (found.length === 0) return;
    console.error('public types have changed: if that is meant, `npm run api` writes them down');
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv.includes('--check')) check();
else {
  rmSync(committed, { recursive: true, force: true });
  report(committed);
}
