/** What is played through before a restart leaves nothing behind, and nobody hears of it. */
import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import { rehearse } from '../../src/loop/rehearsal.ts';
import { loopSettings } from '../../src/server/loop-settings.ts';
import { resolveOptions } from '../../src/server/options.ts';
import { driverName, notOn } from '../support/driver.ts';
import { hear } from '../support/hear-channels.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';

const options = notOn('node', 'it opens no pair of sockets to play with');

test('a rehearsal comes to its end, unseen, and gives back what it had', options, async (t) => {
  const backend = await chooseBackend(driverName);
  const settings = loopSettings(resolveOptions({ histograms: true, proxyProtocol: 'required' }));
  const names = ['gnet:conn.open', 'gnet:conn.close', 'gnet:conn.error'] as const;
  const heard: string[] = hear(t, names, () => '');
  const traced = { start: () => void heard.push('react') };
  tracingChannel('gnet:react').subscribe(traced as never);
  t.after(() => tracingChannel('gnet:react').unsubscribe(traced as never));
  const before = openDescriptors();
  assert.equal(await rehearse(backend, settings), true);
  assert.deepEqual(heard, []);
  await assertNoNewDescriptors(before);
});
