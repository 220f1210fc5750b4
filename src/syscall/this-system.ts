import { assert } from '../base/assert.ts';

/**
 * The one of this system, of what each system has in a way of its own: `each` is by
 * `process.platform`. A system without an entry never comes here: `tables.ts` has no numbers for it.
 */
export function ofThisSystem<Own>(each: Readonly<Record<string, Own>>): Own {
  const own = each[process.platform];
  assert(own !== undefined, 'a system with numbers has its own calls, too');
  return own;
}
