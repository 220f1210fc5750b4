import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { join } from 'node:path';
import { environment } from '../base/environment.ts';
import { ErrUnsupportedOp } from '../base/errors.ts';

const evaluates = /^(?:-e|--eval|-p|--print|-pe|-i|--interactive)(?:=|$)/;

const hint =
  'put the handler into a module of its own and give its URL: ' +
  "serve(new URL('./handler.js', import.meta.url), ...)";

const runnerVariables = ['VITEST', 'VITEST_WORKER_ID', 'JEST_WORKER_ID'];

/**
 * Processes that a test runner forked run a file of its package. The variables alone say little: a
 * program that a test starts inherits them.
 */
function isTestRunner(
  script: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): boolean {
  const isPackaged = script !== undefined && /[\\/]node_modules[\\/]/.test(script);
  return isPackaged && runnerVariables.some((name) => variables[name] !== undefined);
}

function refused(why: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(`cannot run several event loops: ${why}; ${hint}`);
}

/**
 * The file that this program began with, which every thread of a loop runs again.
 * @throws ErrUnsupportedOp when there is none: REPL, `-e`, standard input; or on another thread than
 * the main one.
 */
export function programEntry(
  script: string | undefined = process.argv[1],
  flags: readonly string[] = process.execArgv,
  variables: Readonly<Record<string, string | undefined>> = environment,
): string {
  if (!isMainThread) {
    throw refused('this is a worker thread of the program, whose file is not its entry module');
  }
  if (isTestRunner(script, variables)) {
    throw refused(
      `this process was started by a test runner, whose file ${script} is not the program`,
    );
  }
  if (flags.some((flag) => evaluates.test(flag))) {
    throw refused('the program was given on the command line, and cannot be run again in a thread');
  }
  if (script === undefined || script === '' || script === '-') {
    throw refused('the program has no file that a thread could run again (REPL or standard input)');
  }
  try {
    // As the runtime found it: without an extension, a folder, a link of a package manager.
    return createRequire(join(process.cwd(), 'program.js')).resolve(script);
  } catch {
    throw refused(`the file of the program, ${script}, is not there any more`);
  }
}
