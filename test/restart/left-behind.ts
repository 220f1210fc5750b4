/** What the new process of a restart has of the old one's: the listeners, and nothing else. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Standard input, output and error go along, and may be sockets. */
const firstOwn = 3;

/** The sockets that a process has, by the numbers of the kernel: `socket:[123]`. */
export function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((number) => {
    if (Number(number) < firstOwn) return [];
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${number}`);
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Where the state of a socket and its number stand in a line of `/proc/net`, and what is shared. */
const tables = [
  { files: ['tcp', 'tcp6'], state: 3, inode: 9, shared: '0A' },
  { files: ['udp', 'udp6'], state: 3, inode: 9, shared: '07' },
  { files: ['unix'], state: 3, inode: 6, shared: '00010000' },
] as const;

/** Listeners, and sockets for datagrams that are not connected, of the whole machine. */
function sharedSockets(): Set<string> {
  const found = new Set<string>();
  for (const { files, state, inode, shared } of tables) {
    for (const file of files) {
      for (const line of readFileSync(`/proc/net/${file}`, 'latin1').split('\n')) {
        const words = line.trim().split(/\s+/);
        if (words[state] === shared) found.add(`socket:[${words[inode]}]`);
      }
    }
  }
  return found;
}

/** @throws AssertionError when a connection, or a pair, of the old process is open in the new one. */
export function assertOnlyListeners(oldSockets: readonly string[], pid: number): void {
  const own = new Set(socketsOf(pid));
  const common = oldSockets.filter((socket) => own.has(socket));
  if (common.length === 0) return;
  const shared = sharedSockets();
  const wrong = common.filter((socket) => !shared.has(socket));
  assert.deepEqual(wrong, [], `process ${pid} has sockets of the one before it`);
}
