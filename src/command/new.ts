/** `gnet new`: a server to begin with. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ownVersion } from './own-version.ts';
import { deployment, templates } from './templates.ts';
import { helpOption, parsed, WrongUsage } from './usage.ts';

const help = `gnet new FOLDER [options]

Writes a new server into FOLDER: the program, its test, a Dockerfile and a systemd unit.

  --template NAME   echo: sends back what it receives (default)
                    chat: lines of text that go to everybody
                    gateway: devices over TCP, their newest values and metrics over HTTP
                    http: a fetch handler
  --help            this text
`;

const namePattern = /^[a-z0-9][a-z0-9._-]*$/;

function wrong(message: string): WrongUsage {
  return new WrongUsage(message, 'new --help');
}

/** The folder as a path, and the name of the project, which is that of the folder. */
function placeOf(positionals: readonly string[]): {
  readonly folder: string;
  readonly name: string;
} {
  const [given] = positionals;
  if (given === undefined || positionals.length > 1) throw wrong('give one folder');
  const folder = resolve(given);
  const name = basename(folder);
  if (!namePattern.test(name)) {
    throw wrong(`cannot name a package '${name}': use small letters, digits, '.', '_' and '-'`);
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw wrong(`the folder ${given} is there already, and not empty`);
  }
  return { folder, name };
}

function manifest(name: string): string {
  const content = {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=22.18' },
    scripts: { start: 'node main.ts', test: 'node --test' },
    dependencies: { gnet: `^${ownVersion()}` },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

export function makeProject(args: readonly string[]): void {
  const { values, positionals } = parsed('new', args, {
    template: { type: 'string', default: 'echo' },
    help: helpOption,
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const template = templates.get(values.template);
  if (template === undefined) {
    const known = [...templates.keys()].join(', ');
    throw wrong(`there is no template '${values.template}': ${known}`);
  }
  const { folder, name } = placeOf(positionals);
  const files = {
    'package.json': manifest(name),
    ...deployment(name, template),
    ...template.files,
  };
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const written = Object.keys(files).join(', ');
  process.stdout.write(
    `${positionals[0]}: ${written}\n\n  cd ${positionals[0]}\n  npm install\n  npm test\n  npm start\n`,
  );
}
