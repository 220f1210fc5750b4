import { becomeSubreaper, reapChild } from '../../syscall/children.ts';
import { closeDescriptor, duplicateDescriptor, duplicateOnto } from '../../syscall/descriptor.ts';
import { foreignInterface } from '../../ffi/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { unmapLeftMemory } from '../../syscall/memory.ts';
import { connectSocket, openSocket, send, socketPair } from '../../syscall/socket.ts';
import { goFirst, letOthersFirst, waitForNobody } from '../../syscall/slice.ts';
import { spawnProcess } from '../../syscall/spawn.ts';
import { constants } from '../../syscall/tables.ts';
import type { NativeCalls } from '../backend.ts';

export const nativeCalls: NativeCalls = {
  closeDescriptor(descriptor) {
    // What the kernel says does not matter: the descriptor is gone either way.
    closeDescriptor(descriptor);
  },
  duplicateDescriptor,
  duplicateOnto(descriptor, target) {
    const result = duplicateOnto(descriptor, target);
    if (result < 0) throw syscallError('dup2', -result, `put ${descriptor} in place of ${target}`);
  },
  sendToPath(path, bytes) {
    const fail = (call: string, result: number): void => {
      if (result < 0) throw syscallError(call, -result, `send a datagram to unix://${path}`, path);
    };
    const socket = openSocket(constants.AF_UNIX, constants.SOCK_DGRAM);
    fail('socket', socket);
    try {
      fail('connect', connectSocket(socket, path));
      fail('send', send(socket, foreignInterface.addressOf(bytes), bytes.length));
    } finally {
      closeDescriptor(socket);
    }
  },
  unmapLeftMemory,
  adoptOrphans() {
    const result = becomeSubreaper();
    if (result < 0) throw syscallError('prctl', -result, 'become the parent of orphans');
  },
  socketPair() {
    const pair = socketPair(true);
    if (typeof pair === 'number') throw syscallError('socketpair', -pair, 'open a pair of sockets');
    return pair;
  },
  spawn(plan) {
    const result = spawnProcess(plan);
    if (result < 0) throw syscallError('posix_spawn', -result, `start ${plan.command}`);
    return result;
  },
  letOthersFirst,
  goFirst,
  waitForNobody,
  reapChild,
};
