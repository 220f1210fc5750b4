import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ErrInvalidOption, SyscallError } from '../base/errors.ts';
import { createLogger, type LoggerSettings } from './default-logger.ts';
import type { Logger } from './logger.ts';

const root = mkdtempSync(join(tmpdir(), 'gnet-default-logger-'));
after(() => rmSync(root, { recursive: true }));

function capture(settings: LoggerSettings): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const standardError = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const { logger } = createLogger({ environment: {}, standardError, ...settings });
  return { logger, lines };
}

function logAll(logger: Logger): void {
  for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) logger[level](level);
}

function messages(lines: readonly Record<string, unknown>[]): unknown[] {
  return lines.map((line) => line['msg']);
}

/** Runs a program in a process of its own, so that its exit and what it loads can be seen. */
function run(body: string, environment: Record<string, string> = {}) {
  const module = new URL('./default-logger.ts', import.meta.url).href;
  const source = `import { createLogger } from '${module}';\n${body}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...environment },
  });
}

describe('default logger', () => {
  test('says nothing below warnings by default', () => {
    const { logger, lines } = capture({});
    logAll(logger);
    assert.deepEqual(messages(lines), ['warn', 'error', 'fatal']);
  });

  test('a line has a name, a level, a time, the message, the fields and the whole error', () => {
    const { logger, lines } = capture({});
    const err = new SyscallError('EMFILE', 'cannot accept', { syscall: 'accept4', errno: 24 });
    logger.warn('the listener rests', { restMs: 100, err });
    const [line] = lines;
    assert.ok(line !== undefined);
    assert.equal(line['name'], 'gnet');
    assert.equal(line['level'], 'warn');
    assert.ok(!Number.isNaN(Date.parse(String(line['time']))));
    assert.equal(line['msg'], 'the listener rests');
    assert.equal(line['restMs'], 100);
    const written = line['err'] as Record<string, unknown>;
    assert.deepEqual(
      [written['code'], written['syscall'], written['message']],
      ['EMFILE', 'accept4', 'cannot accept'],
    );
  });

  test('an error that repeats what a client sent is cut', () => {
    const { logger, lines } = capture({});
    const cause = new Error('c'.repeat(1_000_000));
    logger.error('it failed', { err: new Error(`no number: ${'9'.repeat(1_000_000)}`, { cause }) });
    const { message, stack } = (lines[0] as { err: Error }).err;
    assert.match(message, /^no number: 9+\.\.\. \(\d+ characters\)$/);
    assert.ok(message.length < 2_000 && stack !== undefined && stack.length < 10_000);
    assert.match(stack, /default-logger\.test/);
  });

  test('the level comes from the option, then the environment, then the default', () => {
    const environment = { GNET_LOGGING_LEVEL: '2' };
    const both = capture({ logLevel: 'debug', environment });
    logAll(both.logger);
    assert.equal(both.lines.length, 5);
    const variable = capture({ environment });
    logAll(variable.logger);
    assert.deepEqual(messages(variable.lines), ['error', 'fatal']);
    const silent = capture({ logLevel: 'silent' });
    logAll(silent.logger);
    assert.deepEqual(silent.lines, []);
  });

  test('the level can be set after lines were written', () => {
    const lines: string[] = [];
    const standardError = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
    const log = createLogger({ environment: {}, standardError, logLevel: 'error' });
    logAll(log.logger);
    log.level = 'debug';
    assert.equal(log.level, 'debug');
    logAll(log.logger);
    log.level = 5;
    logAll(log.logger);
    const all = ['debug', 'info', 'warn', 'error', 'fatal'];
    assert.deepEqual(lines, ['error', 'fatal', ...all, 'fatal']);
    assert.throws(() => (log.level = undefined), ErrInvalidOption);
  });

  test('logPath writes a file from info on, and closing gives it back', () => {
    const logPath = join(root, 'option.log');
    const { logger, close } = createLogger({ logPath, environment: {} });
    logAll(logger);
    close();
    const written = readFileSync(logPath, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      written.map((line) => JSON.parse(line).msg),
      ['info', 'warn', 'error', 'fatal'],
    );
  });

  test('the file is put aside at its limit', () => {
    const logPath = join(root, 'rolling.log');
    const limits = { fileBytesMax: 300, backupsMax: 2, backupAgeMax: 60_000 };
    const { logger, close } = createLogger({ logPath, limits, environment: {} });
    for (let count = 0; count < 20; count += 1) logger.info('a line of the log', { count });
    close();
    const files = [`${logPath}.2`, `${logPath}.1`, logPath];
    const lines = files.flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'));
    const counts = lines.map((line) => JSON.parse(line).count as number);
    assert.deepEqual(
      counts,
      counts.map((_, index) => 20 - counts.length + index),
    );
    assert.equal(existsSync(`${logPath}.3`), false);
  });

  test('GNET_LOGGING_FILE sets the file, and the option wins over it', () => {
    const variable = join(root, 'variable.log');
    const option = join(root, 'option-wins.log');
    const environment = { GNET_LOGGING_FILE: variable };
    createLogger({ logPath: option, environment }).close();
    assert.deepEqual([existsSync(variable), existsSync(option)], [false, true]);
    createLogger({ environment }).close();
    assert.equal(existsSync(variable), true);
  });

  test('empty variables are no variables', () => {
    const environment = { GNET_LOGGING_FILE: '', GNET_LOGGING_LEVEL: '' };
    const { logger, lines } = capture({ environment });
    logAll(logger);
    assert.deepEqual(messages(lines), ['warn', 'error', 'fatal']);
  });

  test('a bad variable, path or level is a typed error that names it', () => {
    const create = (settings: LoggerSettings) => () => createLogger(settings);
    const level = { GNET_LOGGING_LEVEL: 'loud' };
    assert.throws(
      create({ environment: level }),
      /'loud' as environment variable GNET_LOGGING_LEVEL/,
    );
    assert.throws(create({ environment: level }), ErrInvalidOption);
    assert.throws(create({ logPath: '', environment: {} }), /option logPath/);
    assert.throws(create({ logPath: 5 as unknown as string, environment: {} }), ErrInvalidOption);
    const file = { GNET_LOGGING_FILE: root };
    assert.throws(create({ environment: file }), (error: SyscallError) => {
      assert.ok(error instanceof SyscallError);
      assert.equal(error.code, 'EISDIR');
      return true;
    });
  });

  test('a logger of the program wins over path, level and environment', () => {
    const lines: unknown[][] = [];
    const record = (...values: unknown[]) => void lines.push(values);
    const logger = { debug: record, info: record, warn: record, error: record };
    const logPath = join(root, 'never.log');
    const owned = createLogger({
      logger,
      logPath,
      environment: { GNET_LOGGING_LEVEL: 'loud' },
    });
    owned.logger.debug('text', { a: 1 });
    owned.close();
    assert.deepEqual(lines, [['text', { a: 1 }]]);
    assert.equal(existsSync(logPath), false);
  });

  test('goes to standard error, and pino is loaded with the first line only', () => {
    const body = `
      import { createRequire } from 'node:module';
      const { cache } = createRequire('${import.meta.url}');
      const loaded = () => Object.keys(cache).some((path) => path.includes('pino'));
      const { logger } = createLogger();
      logger.info('quiet');
      console.log(loaded());
      logger.warn('loud');
      console.log(loaded());`;
    const result = run(body);
    assert.equal(result.stdout, 'false\ntrue\n');
    assert.deepEqual(
      result.stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
      ['loud'],
    );
  });

  test('a bad variable does not make the import fail', () => {
    const result = run("console.log('imported')", { GNET_LOGGING_LEVEL: 'loud' });
    assert.equal(result.stdout, 'imported\n');
    assert.equal(result.status, 0);
  });

  test('nothing is lost when the process ends at once', () => {
    for (const [name, ending] of [
      ['exit', 'process.exit(3)'],
      ['throw', "throw new Error('over')"],
      ['kill', "process.kill(process.pid, 'SIGKILL')"],
    ] as const) {
      const logPath = join(root, `${name}.log`);
      const log = 'for (let count = 0; count < 500; count += 1) logger.info("line", { count });';
      run(`const { logger } = createLogger({ logPath: '${logPath}' }); ${log} ${ending};`);
      assert.equal(readFileSync(logPath, 'utf8').split('\n').length, 501, name);
    }
  });
});
