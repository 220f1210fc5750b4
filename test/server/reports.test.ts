/** What the log says of handlers that fail again and again, or have events that do not exist. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EventHandler, EventServer, serve } from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { connect, type Report, recordingLogger, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('a flood of failures', () => {
  test('one line for the first, one with the number of the others', async (t) => {
    const handler: EventHandler = {
      react(frame) {
        throw new SyntaxError(`cannot parse ${frame}`);
      },
    };
    const rig = await startRig(t, handler);
    const count = 50;
    for (let index = 0; index < count; index++) (await connect(t, rig)).write(String(index));
    await waitUntil(() => rig.closeErrors.length === count, 'every close');
    await rig.server.close();
    // A slow machine may take longer than one window for it.
    assert.ok(rig.reports.length >= 2 && rig.reports.length < count / 2, `${rig.reports.length}`);
    assert.match(String(rig.reports[0]?.err), /cannot parse 0$/);
  });

  test('also of datagrams', async (t) => {
    let seen = 0;
    const handler: EventHandler = {
      react() {
        seen++;
        throw new Error('no such command');
      },
    };
    const rig = await startRig(t, handler, {}, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    for (let index = 0; index < 50; index++) await client.send(rig.server.addr, 'x');
    await waitUntil(() => seen === 50, 'fifty datagrams');
    await rig.server.close();
    assert.ok(rig.reports.length >= 2 && rig.reports.length < 25, `${rig.reports.length}`);
  });
});

describe('members that look like events and are none', () => {
  const unknown = (reports: readonly Report[]): number =>
    reports.filter(({ message }) => message.includes('looks like an event')).length;

  async function reportsOf(handler: EventHandler): Promise<Report[]> {
    const reports: Report[] = [];
    const server = await serve(handler, 'tcp://127.0.0.1:0', { logger: recordingLogger(reports) });
    await server.close();
    return reports;
  }

  test('of an object: warned about, once', async () => {
    const handler = { onOpen() {}, onClosed() {}, once: true, helper() {} };
    assert.equal(unknown(await reportsOf(handler)), 1);
    assert.equal(unknown(await reportsOf(handler)), 0);
  });

  test('of a class and of the one it extends', async () => {
    class Base extends EventServer {
      onConnect(): void {}
    }
    class Derived extends Base {
      onMessage(): void {}
      override onOpened(): void {}
    }
    assert.equal(unknown(await reportsOf(new Derived())), 2);
  });

  test('not in production', async (t) => {
    const { NODE_ENV } = process.env;
    t.after(() => {
      if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
      else process.env['NODE_ENV'] = NODE_ENV;
    });
    process.env['NODE_ENV'] = 'production';
    assert.equal(unknown(await reportsOf({ onFrame() {} } as EventHandler)), 0);
  });
});
