/** Numbers and structs of macOS, alike on arm64 and x64. MSG_NOSIGNAL since macOS 14. */
import { constants as shared, layouts as sharedLayouts } from './common.ts';
import { errnoNumbers as sharedErrnoNumbers } from './common-errno.ts';

export const constants = {
  ...shared,
  // Families, types and shutdown: <sys/socket.h>.
  AF_INET6: 30,

  // Socket options: <sys/socket.h>.
  SO_SNDTIMEO: 4101,
  SO_RCVTIMEO: 4102,
  SO_NOSIGPIPE: 4130,
  SO_TIMESTAMP: 1024,
  SO_NREAD: 4128,
  SO_NWRITE: 4132,

  // TCP options: <netinet/tcp.h>.
  TCP_NOPUSH: 4,
  TCP_KEEPALIVE: 16,
  TCP_KEEPINTVL: 257,
  TCP_KEEPCNT: 258,
  TCP_FASTOPEN: 261,
  TCP_CONNECTION_INFO: 262,
  TCP_NOTSENT_LOWAT: 513,
  TCP_CONNECTIONTIMEOUT: 32,
  TCP_RXT_CONNDROPTIME: 128,

  // IPv4 options: <netinet/in.h>.
  IP_ADD_SOURCE_MEMBERSHIP: 70,
  IP_DROP_SOURCE_MEMBERSHIP: 71,
  IP_PKTINFO: 26,
  IP_RECVTOS: 27,
  IP_RECVTTL: 24,
  IP_RECVIF: 20,
  IP_RECVPKTINFO: 26,
  IP_DONTFRAG: 28,
  IP_BOUND_IF: 25,
  MCAST_JOIN_GROUP: 80,
  MCAST_LEAVE_GROUP: 81,
  MCAST_JOIN_SOURCE_GROUP: 82,
  MCAST_LEAVE_SOURCE_GROUP: 83,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_RECVPKTINFO: 61,
  IPV6_TCLASS: 36,
  IPV6_RECVTCLASS: 35,
  IPV6_BOUND_IF: 125,

  // Flags of send and receive: <sys/socket.h>.
  MSG_EOF: 256,
  MSG_NOSIGNAL: 0x80000,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD_CLOEXEC: 67,
  F_SETNOSIGPIPE: 73,
  O_CLOEXEC: 0x1000000,

  // Memory mapping: <sys/mman.h>.
  MAP_ANONYMOUS: 4096,
  MAP_32BIT: 32768,
  MAP_NORESERVE: 64,
  MADV_FREE: 5,

  // kqueue: <sys/event.h>.
  EVFILT_READ: -1,
  EVFILT_USER: -10,
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
  /** struct ip_mreqn: <netinet/in.h>. */
  ipMreqn: {
    size: 12,
    fields: {
      multiaddr: { offset: 0, size: 4 },
      address: { offset: 4, size: 4 },
      ifindex: { offset: 8, size: 4 },
    },
  },
  /** struct in_pktinfo: <netinet/in.h>. */
  inPktinfo: {
    size: 12,
    fields: {
      ifindex: { offset: 0, size: 4 },
      spec_dst: { offset: 4, size: 4 },
      addr: { offset: 8, size: 4 },
    },
  },
  /** struct group_req: <netinet/in.h>: joining a group by the number of an interface. */
  groupReq: {
    size: 132,
    fields: {
      interface: { offset: 0, size: 4 },
      group: { offset: 4, size: 128 },
    },
  },
  /** struct group_source_req: <netinet/in.h>: the same, of one sender. */
  groupSourceReq: {
    size: 260,
    fields: {
      interface: { offset: 0, size: 4 },
      group: { offset: 4, size: 128 },
      source: { offset: 132, size: 128 },
    },
  },
} as const;

/** <sys/errno.h> */
export const errnoNumbers = {
  ...sharedErrnoNumbers,
  ENOTSUP: 45,
  EPWROFF: 82,
  EDEVERR: 83,
  EOVERFLOW: 84,
  EBADEXEC: 85,
  EBADARCH: 86,
  ESHLIBVERS: 87,
  EBADMACHO: 88,
  ECANCELED: 89,
  EIDRM: 90,
  ENOMSG: 91,
  EILSEQ: 92,
  ENOATTR: 93,
  EBADMSG: 94,
  EMULTIHOP: 95,
  ENODATA: 96,
  ENOLINK: 97,
  ENOSR: 98,
  ENOSTR: 99,
  EPROTO: 100,
  ETIME: 101,
  EOPNOTSUPP: 102,
  ENOPOLICY: 103,
  ENOTRECOVERABLE: 104,
  EOWNERDEAD: 105,
  EQFULL: 106,
} as const;

/** What control messages are aligned to, and their data behind the header: <sys/socket.h>. */
export const cmsgAlignment = 4;

/** Names of the C library that a program in C does not write itself, or not so. */
export const symbols = { errno: ['__error'], socket: 'socket' } as const;
