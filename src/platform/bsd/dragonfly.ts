/** Numbers and structs of DragonFly 6 and newer. */
import { constants as shared, layouts as sharedLayouts } from './common.ts';
import { errnoNumbers as sharedErrnoNumbers } from './common-errno.ts';

export const constants = {
  ...shared,
  // Families, types and shutdown: <sys/socket.h>.
  AF_INET6: 28,
  SOCK_NONBLOCK: 0x20000000,
  SOCK_CLOEXEC: 0x10000000,

  // Socket options: <sys/socket.h>.
  SO_SNDTIMEO: 4101,
  SO_RCVTIMEO: 4102,
  SO_NOSIGPIPE: 2048,
  SO_TIMESTAMP: 1024,
  SO_ACCEPTFILTER: 4096,

  // TCP options: <netinet/tcp.h>.
  TCP_NOPUSH: 4,
  TCP_KEEPIDLE: 256,
  TCP_KEEPINTVL: 512,
  TCP_KEEPCNT: 1024,
  TCP_KEEPINIT: 32,

  // IPv4 options: <netinet/in.h>.
  IP_RECVTTL: 65,
  IP_RECVIF: 20,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_RECVPKTINFO: 36,
  IPV6_TCLASS: 61,
  IPV6_RECVTCLASS: 57,

  // Flags of send and receive: <sys/socket.h>.
  MSG_EOF: 256,
  MSG_NOSIGNAL: 1024,
  MSG_CMSG_CLOEXEC: 4096,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD_CLOEXEC: 17,
  O_CLOEXEC: 0x20000,

  // Memory mapping: <sys/mman.h>.
  MAP_ANONYMOUS: 4096,
  MAP_NORESERVE: 64,
  MADV_FREE: 5,

  // kqueue: <sys/event.h>.
  EVFILT_READ: -1,
  EVFILT_USER: -9,
  EVFILT_WRITE: -2,
} as const;

export const layouts = {
  ...sharedLayouts,
  /** struct kevent: <sys/event.h>. */
  kevent: {
    size: 32,
    fields: {
      ident: { offset: 0, size: 8 },
      filter: { offset: 8, size: 2 },
      flags: { offset: 10, size: 2 },
      fflags: { offset: 12, size: 4 },
      data: { offset: 16, size: 8 },
      udata: { offset: 24, size: 8 },
    },
  },
  /** struct timeval: <sys/time.h>. */
  timeval: {
    size: 16,
    fields: {
      sec: { offset: 0, size: 8 },
      usec: { offset: 8, size: 8 },
    },
  },
  /** struct sockaddr_storage: <sys/socket.h>: room for any address. */
  sockaddrStorage: {
    size: 128,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
    },
  },
} as const;

/** <sys/errno.h> */
export const errnoNumbers = {
  ...sharedErrnoNumbers,
  ENOTSUP: 45,
  EOPNOTSUPP: 45,
  EIDRM: 82,
  ENOMSG: 83,
  EOVERFLOW: 84,
  ECANCELED: 85,
  EILSEQ: 86,
  ENOATTR: 87,
  EDOOFUS: 88,
  EBADMSG: 89,
  EMULTIHOP: 90,
  ENOLINK: 91,
  EPROTO: 92,
  ENOMEDIUM: 93,
  EASYNC: 99,
} as const;

/** What control messages are aligned to, and their data behind the header: <sys/socket.h>. */
export const cmsgAlignment = 8;

/**
 * Names of the C library that a program in C does not write itself. errno is a variable of the thread
 * here: the first name that the library has is taken.
 */
export const symbols = { errno: ['__error', '__errno_location'], socket: 'socket' } as const;
