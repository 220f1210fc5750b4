import { ErrUnsupportedOp } from '../../base/errors.ts';
import { runtimeArguments } from '../../host/runtime-features.ts';

export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** Where the program was started, which its relative paths are about, wherever it is now. */
const startedIn = process.cwd();

/**
 * The command that started this program: the same executable, its flags, the file and its arguments.
 * It runs those files as they are now.
 * @throws ErrUnsupportedOp for a program that has no file.
 */
export function programCommand(): ProgramCommand {
  const [, ...args] = process.argv;
  const flags = runtimeArguments();
  const isInline = flags.some((flag) => /^(?:-e|--eval|-p|--print|-pe)(?:=|$)/.test(flag));
  if (!isInline && (args.length === 0 || args[0] === '-')) {
    throw new ErrUnsupportedOp(
      'cannot restart: the program has no file that could be run again (REPL or standard input)',
    );
  }
  return { command: process.execPath, args: [...flags, ...args], cwd: startedIn };
}
