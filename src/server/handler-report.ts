import { nearestName } from '../base/option-checks.ts';
import type { EventHandler } from '../connection/conn.ts';
import { EventServer } from '../connection/event-server.ts';
import type { Logger } from '../logging/logger.ts';
import { inDevelopment } from './development-mode.ts';

const events = Object.getOwnPropertyNames(EventServer.prototype);
const said = new Set<string>();

/**
 * In development mode: members of a handler that look like events and are none, as `onOpen` is. They
 * are never called. Each name is said once per process.
 */
export function reportUnknownEvents(handler: EventHandler, logger: Logger): void {
  if (!inDevelopment()) return;
  for (const name of memberNames(handler)) {
    if (!/^on[A-Z]/.test(name) || events.includes(name) || said.has(name)) continue;
    said.add(name);
    const meant = nearestName(name, events);
    logger.warn('the handler has a member that looks like an event and is none: it is not called', {
      member: name,
      ...(meant !== undefined && { meant }),
    });
  }
}

/** Its own and those of its classes. */
function memberNames(handler: object): Set<string> {
  const names = new Set<string>();
  let holder: object | null = handler;
  while (holder !== null && holder !== EventServer.prototype && holder !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(holder)) names.add(name);
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  return names;
}
