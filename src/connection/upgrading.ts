/** What a plain connection does on its way to TLS. */
import { loadLate } from '../platform/load-late.ts';
import { takesBytes } from './closing.ts';
import { readN, shiftN } from './inbound.ts';
import { whenFlushed } from './when-flushed.ts';
import { pause, resume } from './pausing.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark, pauseReason } from './states.ts';
import { scheduleFlush } from './deferred-tasks.ts';

/** No frame is delivered any more, and nothing is read. False when it cannot begin. */
export function beginUpgrade(c: Connection): boolean {
  if (!takesBytes(c) || is(c, mark.readEnded) || (c.paused & pauseReason.upgrade) !== 0) {
    return false;
  }
  pause(c, pauseReason.upgrade);
  return true;
}

/**
 * Loaded only now, since few connections ever do this.
 * @throws SyscallError when there is no descriptor to load it with; frames are delivered again then.
 */
export async function loadUpgrade(c: Connection, begun: boolean) {
  try {
    return await loadLate(() => import('./tls/upgrade.ts'), 'what upgrades to TLS');
  } catch (error) {
    if (begun) endUpgrade(c);
    throw error;
  }
}

/** Resolves when everything written so far is out, at once if it is closed. No bytes are taken meanwhile. */
export async function clearOutbound(c: Connection): Promise<void> {
  if (isClosed(c)) return;
  c.marks |= mark.clearing;
  try {
    scheduleFlush(c);
    await whenFlushed(c);
  } finally {
    c.marks &= ~mark.clearing;
  }
}

/** What was received and is in no frame yet. */
export function takeReceived(c: Connection): Buffer {
  const bytes = Buffer.from(readN(c, 0));
  shiftN(c, -1);
  return bytes;
}

/** The handshake is over, or did not begin: frames are delivered again. */
export function endUpgrade(c: Connection): void {
  if (isClosed(c)) return;
  resume(c, pauseReason.upgrade);
  // Other reasons to pause still apply: only the handshake kept reading on.
  if (c.paused !== 0) c.transport.pauseReading(c.slot);
  scheduleFlush(c);
}
