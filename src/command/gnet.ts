#!/usr/bin/env node
/** `npx gnet ...`: what the package does on a command line. */
import { makeProject } from './new.ts';
import { showTop } from './top.ts';
import { WrongUsage } from './usage.ts';

const help = `gnet top ADDRESS [options]     shows a server that serves the page of gnet/inspect
gnet new FOLDER [options]      writes a new server with its test, Dockerfile and systemd unit
gnet COMMAND --help            tells the options of a command
`;

async function run([command, ...others]: readonly string[]): Promise<void> {
  if (command === 'top') await showTop(others);
  else if (command === 'new') makeProject(others);
  else if (command === '--help' || command === '-h') process.stdout.write(help);
  else {
    const given = command === undefined ? 'give a command' : `there is no command '${command}'`;
    throw new WrongUsage(`${given}: top or new`, '--help');
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof WrongUsage;
  const hint = wrong ? `See gnet ${error.help}.\n` : '';
  process.stderr.write(`gnet: ${error instanceof Error ? error.message : String(error)}\n${hint}`);
  process.exitCode = wrong ? 2 : 1;
}
