/** Numbers and structs of NetBSD 9 and newer. EVFILT_USER and EV_RECEIPT since 10. */
import { constants as shared, layouts as sharedLayouts } from './common.ts';
import { errnoNumbers as sharedErrnoNumbers } from './common-errno.ts';

export const constants = {
  ...shared,
  // Families, types and shutdown: <sys/socket.h>.
  AF_INET6: 24,
  SOCK_NONBLOCK: 0x20000000,
  SOCK_CLOEXEC: 0x10000000,

  // Socket options: <sys/socket.h>.
  SO_SNDTIMEO: 4107,
  SO_RCVTIMEO: 4108,
  SO_NOSIGPIPE: 2048,
  SO_TIMESTAMP: 8192,
  SO_ACCEPTFILTER: 4096,

  // TCP options: <netinet/tcp.h>.
  TCP_KEEPIDLE: 3,
  TCP_KEEPINTVL: 5,
  TCP_KEEPCNT: 6,
  TCP_KEEPINIT: 7,
  TCP_INFO: 9,

  // IPv4 options: <netinet/in.h>.
  IP_RECVTTL: 23,
  IP_RECVIF: 20,
  IP_PKTINFO: 25,
  IP_RECVPKTINFO: 26,
  IP_SENDSRCADDR: 7,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_RECVPKTINFO: 36,
  IPV6_TCLASS: 61,
  IPV6_RECVTCLASS: 57,

  // Flags of send and receive: <sys/socket.h>.
  MSG_NOSIGNAL: 1024,
  MSG_CMSG_CLOEXEC: 2048,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD_CLOEXEC: 12,
  F_SETNOSIGPIPE: 14,
  O_CLOEXEC: 0x400000,

  // Memory mapping: <sys/mman.h>.
  MAP_NORESERVE: 64,
  MADV_FREE: 6,

  // kqueue: <sys/event.h>.
  EVFILT_READ: 0,
  EVFILT_WRITE: 1,
  EVFILT_USER: 8,

  // ioctl requests: <sys/filio.h>.
  FIONWRITE: 0x40046679,
} as const;

export const layouts = {
  ...sharedLayouts,
  /** struct kevent of NetBSD up to 10: <sys/event.h>, `__kevent50`. */
  kevent: {
    size: 40,
    fields: {
      ident: { offset: 0, size: 8 },
      filter: { offset: 8, size: 4 },
      flags: { offset: 12, size: 4 },
      fflags: { offset: 16, size: 4 },
      data: { offset: 24, size: 8 },
      udata: { offset: 32, size: 8 },
    },
  },
  /** struct kevent of NetBSD 11 and newer: <sys/event.h>, `__kevent100`. */
  kevent100: {
    size: 72,
    fields: {
      ident: { offset: 0, size: 8 },
      filter: { offset: 8, size: 4 },
      flags: { offset: 12, size: 4 },
      fflags: { offset: 16, size: 4 },
      data: { offset: 24, size: 8 },
      udata: { offset: 32, size: 8 },
      ext: { offset: 40, size: 32 },
    },
  },
  /** struct timeval: <sys/time.h>. */
  timeval: {
    size: 16,
    fields: {
      sec: { offset: 0, size: 8 },
      usec: { offset: 8, size: 4 },
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
  EOPNOTSUPP: 45,
  EIDRM: 82,
  ENOMSG: 83,
  EOVERFLOW: 84,
  EILSEQ: 85,
  ENOTSUP: 86,
  ECANCELED: 87,
  EBADMSG: 88,
  ENODATA: 89,
  ENOSR: 90,
  ENOSTR: 91,
  ETIME: 92,
  ENOATTR: 93,
  EMULTIHOP: 94,
  ENOLINK: 95,
  EPROTO: 96,
} as const;

/** What control messages are aligned to, and their data behind the header: <sys/socket.h>. */
export const cmsgAlignment = 8;

/**
 * Names of the C library that are not those of C: of calls whose old form is still there under the plain
 * name. `kevent` has a name for each form of its struct.
 */
export const symbols = {
  errno: ['__errno'],
  socket: '__socket30',
  kevent: '__kevent50',
  kevent100: '__kevent100',
} as const;
