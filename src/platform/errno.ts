/**
 * Error numbers <-> names of this operating system, and what the common ones mean to a person.
 * `text` completes "cannot listen on 127.0.0.1:80: ..."; `hint` says what to do.
 */
import { constants as systemConstants } from 'node:os';
import { errnoNumbers as linuxNumbers } from './linux-errno.ts';

// Elsewhere Node's own table is right for the system, only shorter than ours.
let numbers: Readonly<Record<string, number>> =
  process.platform === 'linux' ? linuxNumbers : systemConstants.errno;

let names = namesByNumber(numbers);

/** The whole table of this system, where it had to be loaded (`loadPlatform`). */
export function setErrnoNumbers(all: Readonly<Record<string, number>>): void {
  numbers = all;
  names = namesByNumber(numbers);
}

/** Of several names for one number the first wins: EAGAIN before EWOULDBLOCK. */
export function namesByNumber(
  table: Readonly<Record<string, number>>,
): ReadonlyMap<number, string> {
  const result = new Map<number, string>();
  for (const [name, number] of Object.entries(table)) {
    if (!result.has(number)) result.set(number, name);
  }
  return result;
}

/** Without a full stop, for use inside a message. */
interface Explanation {
  readonly text: string;
  readonly hint: string;
  /** What to do where one of these calls failed, if that is something else. */
  readonly hintOf?: Readonly<Record<string, string>>;
}

const connectHint =
  'a Unix path needs write access to the socket; a firewall may also refuse, and TCP has no broadcast';
const sendHint = 'a Unix path needs write access to the socket; a firewall may also refuse';

const explanations: Readonly<Record<string, Explanation>> = {
  EACCES: {
    text: 'permission denied',
    hint: 'check the permissions of what it names, and the policies of the system',
    hintOf: {
      bind: 'a port below 1024 needs CAP_NET_BIND_SERVICE, a Unix path write access to its directory',
      connect: connectHint,
      send: sendHint, // how Node names it
      sendto: sendHint,
      sendmsg: sendHint,
      sendmmsg: sendHint,
    },
  },
  EADDRINUSE: {
    text: 'the address is already in use',
    hint: 'stop the program that uses it (see ss -tulpn) or take another; port 0 picks a free one',
  },
  EADDRNOTAVAIL: {
    text: 'the address does not belong to this machine',
    hint: 'use one that ip addr lists, or leave the host out for all of them',
  },
  EAFNOSUPPORT: {
    text: 'the address family is not supported',
    hint: 'IPv6 may be off on this machine; use tcp4:// or udp4://',
  },
  EBUSY: {
    text: 'it is in use',
    hint: 'another part of the system has it; try again later, or choose another',
  },
  ECONNABORTED: { text: 'the connection was aborted', hint: 'the peer gave up; connect again' },
  ECONNREFUSED: {
    text: 'the connection was refused',
    hint: 'nothing listens at that address; start the server or correct the address',
  },
  ECONNRESET: {
    text: 'the connection was reset by the peer',
    hint: 'the peer closed with unread data or crashed; what was in flight is lost',
  },
  EDESTADDRREQ: { text: 'no destination is set', hint: 'connect first, or send to an address' },
  EEXIST: { text: 'it already exists', hint: 'remove it, or take another name' },
  EHOSTUNREACH: { text: 'there is no route to the host', hint: 'check the address and the routes' },
  EINTR: {
    text: 'a signal interrupted the call',
    hint: 'try again; nothing was done',
  },
  EINVAL: { text: 'an argument is not valid', hint: 'check the options of the call' },
  EISDIR: { text: 'the path is a directory', hint: 'name a file inside it' },
  ELOOP: { text: 'too many symbolic links', hint: 'use the path that the links lead to' },
  EMFILE: {
    text: 'this process has too many open files',
    hint: 'raise its limit (ulimit -n), or set maxConnections below it',
  },
  EMSGSIZE: { text: 'the datagram is too long', hint: 'send less than 65,507 bytes at once' },
  ENAMETOOLONG: { text: 'the name is too long', hint: 'use a shorter one' },
  ENETDOWN: { text: 'the network is down', hint: 'bring the interface up' },
  ENETUNREACH: {
    text: 'there is no route to the network',
    hint: 'check the address and the routes',
  },
  ENFILE: {
    text: 'the system has too many open files',
    hint: 'raise fs.file-max, or close files of other programs',
  },
  ENOBUFS: { text: 'the kernel has no buffer space', hint: 'lower the load, or raise its limits' },
  ENODEV: { text: 'there is no such device', hint: 'check the name of the interface' },
  ENOENT: { text: 'no such file or directory', hint: 'check the path: its directory must exist' },
  ENOMEM: {
    text: 'out of memory',
    hint: 'raise the memory limit (also ulimit -l), or lower the load',
  },
  ENOPROTOOPT: {
    text: 'the socket does not know the option',
    hint: 'leave the option out, or use a newer kernel',
  },
  ENOSPC: {
    text: 'no space is left',
    hint: 'free some on the device; for epoll, raise fs.epoll.max_user_watches',
  },
  ENOSYS: {
    text: 'the kernel does not have this call',
    hint: 'update the kernel, or use another driver; containers may also hide calls (seccomp)',
  },
  ENOTCONN: { text: 'the socket is not connected', hint: 'connect first; the peer may be gone' },
  ENOTDIR: { text: 'a part of the path is not a directory', hint: 'correct the path' },
  ENOTSUP: {
    text: 'the socket cannot do that',
    hint: 'leave the option out; a Unix path takes no reusePort',
  },
  EPERM: {
    text: 'the operation is not permitted',
    hint: 'it needs a privilege, or a container or seccomp profile forbids it',
  },
  EPIPE: {
    text: 'the connection is already closed for writing',
    hint: 'the peer closed it; stop writing after onClosed',
  },
  EPROTONOSUPPORT: {
    text: 'the protocol is not supported',
    hint: 'the kernel was built without it; use another address',
  },
  EROFS: { text: 'the file system is read-only', hint: 'use a path on a writable one' },
  ETIMEDOUT: {
    text: 'the connection timed out',
    hint: 'the peer does not answer; check the network',
  },
};

/** `EADDRINUSE` for 98 on Linux; `errno 12345` when this system has no name for the number. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** The positive number of `name` on this system, or undefined when it does not exist there. */
export function errnoNumber(name: string): number | undefined {
  return Object.hasOwn(numbers, name) ? numbers[name] : undefined;
}

/** What happened, in words: `the address is already in use`; the name itself for a rare number. */
export function describeErrno(errno: number): string {
  return explanationOf(errno)?.text ?? errnoName(errno);
}

/** What to do about it after `syscall`, or undefined for a rare number. */
export function errnoHint(errno: number, syscall: string): string | undefined {
  const explanation = explanationOf(errno);
  return explanation?.hintOf?.[syscall] ?? explanation?.hint;
}

function explanationOf(errno: number): Explanation | undefined {
  const name = errnoName(errno);
  return Object.hasOwn(explanations, name) ? explanations[name] : undefined;
}
