import { assert } from '../base/assert.ts';

/**
 * The one of this system, of what each system has in a way of its own: by `process.platform`, or `bsd`
 * for macOS and the BSDs. A system without an entry never comes here: `tables.ts` has no numbers for it.
 */
export function ofThisSystem<Own>(each: Readonly<Record<string, Own>>): Own {
  const own = each[process.platform] ?? each['bsd'];
  assert(own !== undefined, 'a system with numbers has its own calls, too');
  return own;
}
