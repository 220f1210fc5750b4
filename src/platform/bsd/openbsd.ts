/** Numbers and structs of OpenBSD 7.5 and newer, alike on x64 and arm64. EVFILT_USER since 7.8. */
import { constants as shared, layouts as sharedLayouts } from './common.ts';
import { errnoNumbers as sharedErrnoNumbers } from './common-errno.ts';

export const constants = {
  ...shared,
  // Families, types and shutdown: <sys/socket.h>.
  AF_INET6: 24,
  SOCK_NONBLOCK: 16384,
  SOCK_CLOEXEC: 32768,

  // Socket options: <sys/socket.h>.
  SO_SNDTIMEO: 4101,
  SO_RCVTIMEO: 4102,
  SO_PEERCRED: 4130,
  SO_DOMAIN: 4132,
  SO_PROTOCOL: 4133,
  SO_TIMESTAMP: 2048,
  SO_BINDANY: 4096,

  // TCP options: <netinet/tcp.h>.
  TCP_NOPUSH: 16,
  TCP_INFO: 9,
  TCP_SACK_ENABLE: 8,

  // IPv4 options: <netinet/in.h>.
  IP_RECVTTL: 31,
  IP_RECVIF: 30,
  IP_SENDSRCADDR: 7,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_RECVPKTINFO: 36,
  IPV6_TCLASS: 61,
  IPV6_RECVTCLASS: 57,

  // Flags of send and receive: <sys/socket.h>.
  MSG_NOSIGNAL: 1024,
  MSG_WAITFORONE: 4096,
  MSG_CMSG_CLOEXEC: 2048,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD_CLOEXEC: 10,
  O_CLOEXEC: 0x10000,

  // Memory mapping: <sys/mman.h>.
  MAP_ANONYMOUS: 4096,
  MAP_NORESERVE: 0,
  MADV_FREE: 6,

  // kqueue: <sys/event.h>.
  EVFILT_READ: -1,
  EVFILT_WRITE: -2,
  EVFILT_USER: -10,
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
    size: 256,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
    },
  },
} as const;

/** <sys/errno.h> */
export const errnoNumbers = {
  ...sharedErrnoNumbers,
  EOPNOTSUPP: 45,
  EIPSEC: 82,
  ENOATTR: 83,
  EILSEQ: 84,
  ENOMEDIUM: 85,
  EMEDIUMTYPE: 86,
  EOVERFLOW: 87,
  ECANCELED: 88,
  EIDRM: 89,
  ENOMSG: 90,
  ENOTSUP: 91,
  EBADMSG: 92,
  ENOTRECOVERABLE: 93,
  EOWNERDEAD: 94,
  EPROTO: 95,
} as const;

/** What control messages are aligned to, and their data behind the header: <sys/socket.h>. */
export const cmsgAlignment = 8;

/** Names of the C library that a program in C does not write itself, or not so. */
export const symbols = { errno: ['__errno'], socket: 'socket' } as const;
