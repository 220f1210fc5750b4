import { errorOf } from '../base/thrown.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import { giveBytes } from './conn-handle.ts';
import { addLocalLoop, removeLocalLoop } from './loops-here.ts';
import { control, laneCount, type LoopMemory } from './loop-memory.ts';
import { peerIn } from './peer-encoding.ts';
import { publicationIn } from './publication.ts';
import { MailboxReader, type MailboxTasks } from './reader.ts';
import { recordStatus } from './record.ts';
import { tellOver, unpackContext } from './safe-context.ts';
import { whenAskedToWake } from './wake.ts';

/** Opens the mailbox of a loop of this thread: from now on other threads reach it. */
export function openMailbox(loop: EventLoop, memory: LoopMemory, logger: Logger): void {
  const reader = new MailboxReader(memory, tasksOf(loop, memory, logger));
  const { wakeDescriptor } = loop;
  Atomics.store(memory.words, control.wakeDescriptor, wakeDescriptor + 1);
  const stopWaking =
    wakeDescriptor === -1 ? whenAskedToWake(memory, () => loop.wake()) : (): void => {};
  addLocalLoop(memory, (slot, generation) => loop.connection(slot, generation));
  loop.share(
    {
      drain: () => reader.drain(),
      aboutToSleep: () => reader.aboutToSleep(),
      close() {
        stopWaking();
        removeLocalLoop(memory);
        reader.close();
      },
    },
    publicationIn(memory),
  );
  // A loop that is idle already must say that it sleeps: only then is it woken.
  if (wakeDescriptor === -1) loop.wake();
}

function tasksOf(loop: EventLoop, memory: LoopMemory, logger: Logger): MailboxTasks {
  /** Connections whose room other threads wait for: one look at each is enough. */
  const awaited = new Set<StreamConnection>();
  /** What programs put there may not go from thread to thread: no reason for the loop to end. */
  const copied = (copy: () => void): number => {
    try {
      copy();
      return recordStatus.taken;
    } catch (error) {
      const err = errorOf(error);
      logger.error('a safe context could not be copied from one thread to another', { err });
      return recordStatus.uncopied;
    }
  };
  return {
    write(slot, generation, bytes) {
      const connection = loop.connection(slot, generation);
      if (connection === null) return recordStatus.stale;
      try {
        if (!giveBytes(connection, bytes)) return recordStatus.stale;
        return connection.hasRoom ? recordStatus.taken : recordStatus.full;
      } catch (error) {
        logger.error('a write of another thread could not be encoded', { err: errorOf(error) });
        return recordStatus.refused;
      }
    },
    room(slot, generation) {
      const connection = loop.connection(slot, generation);
      if (connection === null || connection.hasRoom) return recordStatus.taken;
      if (!awaited.has(connection)) {
        awaited.add(connection);
        void connection.whenRoom().then(() => {
          awaited.delete(connection);
          memory.madeRoom(slot);
        });
      }
      return recordStatus.full;
    },
    lanesExhausted() {
      logger.warn(
        `writes of other threads were given up: ${laneCount} threads have something under way to this ` +
          'loop and come no further; this is said once',
        { loop: loop.index },
      );
    },
    setContext(slot, generation, bytes) {
      const connection = loop.connection(slot, generation);
      if (connection === null || connection.isClosed) return recordStatus.stale;
      return copied(() => {
        connection.safeContext = unpackContext(bytes);
      });
    },
    tellContext(slot, generation, channel) {
      const connection = loop.connection(slot, generation);
      if (connection === null || connection.isClosed) return recordStatus.stale;
      return copied(() => tellOver(channel, connection.safeContext));
    },
    wake: (slot, generation) => loop.connection(slot, generation)?.wake(),
    close: (slot, generation) => loop.connection(slot, generation)?.close(),
    accept(descriptor, peer) {
      // Before a handler sees it: its peer must not hear of it while it is still counted twice.
      memory.arrived();
      loop.accept(descriptor, typeof peer === 'string' ? peer : peerIn(peer));
      // It may have been refused.
      Atomics.store(memory.words, control.connections, loop.connectionCount);
    },
  };
}
