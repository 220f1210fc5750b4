/** Which driver is taken, and what the program hears of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventServer, serve } from 'gnet';
import { chooseBackend } from '../../src/driver/choose-driver.ts';

/** Runs with another GNET_DRIVER. */
async function withVariable<T>(value: string, body: () => Promise<T>): Promise<T> {
  const before = process.env['GNET_DRIVER'];
  process.env['GNET_DRIVER'] = value;
  try {
    return await body();
  } finally {
    if (before === undefined) delete process.env['GNET_DRIVER'];
    else process.env['GNET_DRIVER'] = before;
  }
}

describe('the choice of the driver', () => {
  test('the option wins over GNET_DRIVER, which wins over the order', async () => {
    const named = await withVariable('node', () => chooseBackend('auto'));
    assert.equal(named.name, 'node');
    const best = await withVariable('', () => chooseBackend('auto'));
    const option = await withVariable(best.name, () => chooseBackend('node'));
    assert.equal(option.name, 'node');
  });

  test('an unknown GNET_DRIVER is an invalid option', async () => {
    await assert.rejects(
      withVariable('select', () => chooseBackend('auto')),
      { code: 'ErrInvalidOption', message: /GNET_DRIVER=select.*epoll.*node/ },
    );
  });

  test('a driver that is not there is refused with its name', async () => {
    const [driver, reason] =
      process.platform === 'linux'
        ? (['kqueue', /'kqueue': kqueue: .*there is no kqueue/] as const)
        : (['epoll', /'epoll': epoll: .*is not Linux/] as const);
    await assert.rejects(chooseBackend(driver), {
      code: 'ErrUnsupportedPlatform',
      message: reason,
    });
    await assert.rejects(serve(new EventServer(), 'tcp://127.0.0.1:0', { driver }), {
      code: 'ErrUnsupportedPlatform',
    });
  });

  test('a driver that was asked for has refused nobody; server.driver and stats say which', async (t) => {
    const server = await serve(new EventServer(), 'tcp://127.0.0.1:0', { driver: 'node' });
    t.after(() => server.close());
    assert.equal(server.driver, 'node');
    const stats = server.stats();
    assert.deepEqual([stats.driver, stats.host], ['node', 'runtime']);
    assert.deepEqual(stats.driversRefused, []);
    assert.throws(() => server.dupFd(), { code: 'ErrUnsupportedOp' });
  });
});
