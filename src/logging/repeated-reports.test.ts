import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrCodec } from '../base/errors.ts';
import { RepeatedReports } from './repeated-reports.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly err: Error;
  readonly leftOut?: number;
}

function recorded() {
  const lines: Line[] = [];
  const ignore = (): void => {};
  const write = (level: string) => (message: string, fields?: object) => {
    lines.push({ level, message, ...(fields as { err: Error }) });
  };
  const logger = {
    debug: ignore,
    info: ignore,
    warn: write('warn'),
    fatal: ignore,
    error: write('error'),
  };
  return { lines, reports: new RepeatedReports(logger) };
}

describe('repeated reports', () => {
  test('the first at once, then one line a second with the number left out', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { lines, reports } = recorded();
    for (let count = 1; count <= 1_000; count++) reports.report('it failed', new Error(`${count}`));
    assert.deepEqual(
      lines.map(({ err }) => err.message),
      ['1'],
    );
    t.mock.timers.tick(1_000);
    assert.deepEqual(
      lines.map(({ err, leftOut }) => [err.message, leftOut]),
      [
        ['1', undefined],
        ['1000', 998],
      ],
    );
    reports.report('it failed', new Error('once more'));
    assert.equal(lines.length, 2);
    t.mock.timers.tick(1_000);
    assert.deepEqual([lines[2]?.err.message, lines[2]?.leftOut], ['once more', undefined]);
    t.mock.timers.tick(2_000);
    reports.report('it failed', new Error('much later'));
    assert.equal(lines[3]?.err.message, 'much later');
  });

  test('a kind keeps its level, also for what was left out', () => {
    const { lines, reports } = recorded();
    for (let count = 0; count < 3; count++) reports.report('it rests', new Error('a'), 'warn');
    reports.close();
    assert.deepEqual(
      lines.map(({ level, leftOut }) => [level, leftOut]),
      [
        ['warn', undefined],
        ['warn', 1],
      ],
    );
  });

  test('what is of another kind is written at once', () => {
    const { lines, reports } = recorded();
    reports.report('it failed', new Error('a'));
    reports.report('it failed', new TypeError('b'));
    reports.report('it failed', new ErrCodec('c'));
    reports.report('another failed', new Error('d'));
    assert.equal(lines.length, 4);
    reports.close();
  });

  test('kinds are bounded, whatever names the errors have', () => {
    const { lines, reports } = recorded();
    for (let count = 0; count < 1_000; count++) {
      reports.report('it failed', Object.assign(new Error('x'), { name: `Error${count}` }));
    }
    assert.ok(lines.length <= 65);
    reports.close();
  });

  test('close writes what was left out, and leaves no timer', () => {
    const { lines, reports } = recorded();
    for (let count = 0; count < 3; count++) reports.report('it failed', new Error(`${count}`));
    reports.close();
    assert.deepEqual(
      lines.map(({ err, leftOut }) => [err.message, leftOut]),
      [
        ['0', undefined],
        ['2', 1],
      ],
    );
    reports.close();
    assert.equal(lines.length, 2);
  });
});
