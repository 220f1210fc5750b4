#!/usr/bin/env node
/** `npx gnet ...`: what the package does on a command line. */
import { makeProject } from './new.ts';
import { ownVersion } from './own-version.ts';
import { showTop } from './top.ts';
import { problemText, WrongUsage } from './usage.ts';

const help = `gnet top ADDRESS [options]     shows a server that serves the page of gnet/inspect
gnet new FOLDER [options]      writes a new server with its test, Dockerfile and systemd unit
gnet COMMAND --help            tells the options of a command
gnet --version                 tells the version of the package
`;

const helpWords: readonly (string | undefined)[] = ['--help', '-h', 'help'];

async function run([command, ...others]: readonly string[]): Promise<void> {
  if (command === 'top') await showTop(others);
  else if (command === 'new') makeProject(others);
  else if (helpWords.includes(command)) process.stdout.write(help);
  else if (command === '--version' || command === '-v') process.stdout.write(`${ownVersion()}\n`);
  else {
    const given = command === undefined ? 'give a command' : `there is no command '${command}'`;
    throw new WrongUsage(`${given}: top or new`, '--help');
  }
}

// Whoever reads has seen enough, as `head` has: the rest has no reader, and that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await run(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof WrongUsage;
  const hint = wrong ? `See gnet ${error.help}.\n` : '';
  process.stderr.write(`gnet: ${problemText(error)}\n${hint}`);
  process.exitCode = wrong ? 2 : 1;
}
