import type { EventScope } from '../host/event-scope.ts';
import type { ConnectionRecord } from './record.ts';

/** The async context that events of a connection run in: its own, or the server's. */
export function scopeOf(c: ConnectionRecord): EventScope {
  const own = c.rare === null ? null : c.rare.scope;
  return own ?? c.owner.calls.scope;
}
