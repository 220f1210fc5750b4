import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { ErrInvalidOption } from '../base/errors.ts';
import { adaptLogger, type LoggerOption } from './logger.ts';

type Call = readonly [string, ...unknown[]];

function recorder(): { calls: Call[]; logger: Required<Exclude<LoggerOption, { level: string }>> } {
  const calls: Call[] = [];
  const record =
    (method: string) =>
    (...values: unknown[]) => {
      calls.push([method, ...values]);
    };
  const logger = {
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    fatal: record('fatal'),
  };
  return { calls, logger };
}

const methods = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

describe('the option logger', () => {
  test('a message-first logger gets message and fields as they are', () => {
    const { calls, logger } = recorder();
    const adapted = adaptLogger(logger);
    for (const method of methods) adapted[method]('text', { a: 1 });
    adapted.info('only text');
    assert.deepEqual(calls, [
      ...methods.map((method) => [method, 'text', { a: 1 }]),
      ['info', 'only text'],
    ]);
  });

  test('error serves where there is no fatal, and console is a logger', () => {
    const { calls, logger } = recorder();
    const { fatal: _, ...withoutFatal } = logger;
    adaptLogger(withoutFatal).fatal('text');
    assert.deepEqual(calls, [['error', 'text']]);
    assert.doesNotThrow(() => adaptLogger(console));
  });

  test('a pino logger gets the fields first, and a message is no format', () => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const adapted = adaptLogger(logger);
    for (const method of methods) adapted[method]('100 %s', { port: 9000 });
    adapted.info('bare');
    const written = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      written.map(({ level, msg, port }) => [level, msg, port]),
      [...[20, 30, 40, 50, 60].map((level) => [level, '100 %s', 9000]), [30, 'bare', undefined]],
    );
  });

  test('a logger that throws is reported once and never reaches the caller', async () => {
    const { logger } = recorder();
    const warning = once(process, 'warning');
    let count = 0;
    const adapted = adaptLogger({
      ...logger,
      warn: () => {
        count += 1;
        throw new Error('the disk is on fire');
      },
    });
    adapted.warn('first');
    adapted.warn('second');
    assert.equal(count, 2);
    const [reported] = (await warning) as [Error & { code?: string }];
    assert.equal(reported.code, 'GNET_LOGGER_THREW');
    assert.match(reported.message, /the disk is on fire/);
  });

  test('a logger whose promise rejects is reported the same way, and ends nothing', async () => {
    const { logger } = recorder();
    const warning = once(process, 'warning');
    const adapted = adaptLogger({
      ...logger,
      error: () => Promise.reject(new Error('the collector is away')),
      fatal: () => Promise.reject(new Error('still away')),
    });
    adapted.error('first');
    adapted.fatal('second');
    const [reported] = (await warning) as [Error & { code?: string }];
    assert.equal(reported.code, 'GNET_LOGGER_THREW');
    assert.match(reported.message, /the collector is away/);
  });

  test('what is no logger is refused', () => {
    for (const value of [null, 'info', 5, {}, { debug() {}, info() {}, warn() {} }]) {
      assert.throws(() => adaptLogger(value as unknown as LoggerOption), ErrInvalidOption);
    }
  });
});
