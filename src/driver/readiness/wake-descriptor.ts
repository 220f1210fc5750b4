import { closeDescriptor } from '../../syscall/descriptor.ts';
import { eventDescriptor } from '../../syscall/epoll.ts';
import { syscallError } from '../../syscall/errno.ts';
import { type Poller, readable } from './poller.ts';
import { eventKind } from './event-tags.ts';

/**
 * A descriptor whose readiness ends a wait of the poller.
 * @throws SyscallError EMFILE, ENFILE, ENOMEM, ENOSPC, with nothing left open.
 */
export function openWakeDescriptor(poller: Poller): number {
  const descriptor = eventDescriptor();
  const result = poller.add(descriptor, readable, eventKind.wake, 0);
  if (result === 0) return descriptor;
  closeDescriptor(descriptor);
  throw syscallError('epoll_ctl', -result, 'watch the wake descriptor');
}
