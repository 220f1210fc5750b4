/**
 * Numbers and structs of FreeBSD 12 and newer, alike on x64 and arm64. SO_REUSEPORT_LB 12.0.
 */
import { constants as shared, layouts as sharedLayouts } from './common.ts';
import { errnoNumbers as sharedErrnoNumbers } from './common-errno.ts';

export const constants = {
  ...shared,
  // Families, types and shutdown: <sys/socket.h>.
  AF_INET6: 28,
  SOCK_NONBLOCK: 0x20000000,
  SOCK_CLOEXEC: 0x10000000,

  // Socket options: <sys/socket.h>.
  SO_REUSEPORT_LB: 0x10000,
  SO_SNDTIMEO: 4101,
  SO_RCVTIMEO: 4102,
  SO_NOSIGPIPE: 2048,
  SO_DOMAIN: 4121,
  SO_PROTOCOL: 4118,
  SO_TIMESTAMP: 1024,
  SO_ACCEPTFILTER: 4096,

  // TCP options: <netinet/tcp.h>.
  TCP_NOPUSH: 4,
  TCP_KEEPIDLE: 256,
  TCP_KEEPINTVL: 512,
  TCP_KEEPCNT: 1024,
  TCP_FASTOPEN: 1025,
  TCP_CONGESTION: 64,
  TCP_INFO: 32,
  TCP_KEEPINIT: 128,

  // IPv4 options: <netinet/in.h>.
  IP_ADD_SOURCE_MEMBERSHIP: 70,
  IP_DROP_SOURCE_MEMBERSHIP: 71,
  IP_RECVTOS: 68,
  IP_RECVTTL: 65,
  IP_RECVIF: 20,
  IP_SENDSRCADDR: 7,
  IP_DONTFRAG: 67,
  IP_BINDANY: 24,
  IP_ONESBCAST: 23,
  MCAST_JOIN_GROUP: 80,
  MCAST_LEAVE_GROUP: 81,
  MCAST_JOIN_SOURCE_GROUP: 82,
  MCAST_LEAVE_SOURCE_GROUP: 83,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_RECVPKTINFO: 36,
  IPV6_TCLASS: 61,
  IPV6_RECVTCLASS: 57,
  IPV6_BINDANY: 64,

  // Flags of send and receive: <sys/socket.h>.
  MSG_EOF: 256,
  MSG_NOSIGNAL: 0x20000,
  MSG_WAITFORONE: 0x80000,
  MSG_CMSG_CLOEXEC: 0x40000,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD_CLOEXEC: 17,
  O_CLOEXEC: 0x100000,

  // Memory mapping: <sys/mman.h>.
  MAP_ANONYMOUS: 4096,
  MAP_32BIT: 0x80000,
  MADV_FREE: 5,

  // kqueue: <sys/event.h>.
  EVFILT_READ: -1,
  EVFILT_USER: -11,
  EVFILT_WRITE: -2,

  // ioctl requests: <sys/filio.h>.
  FIONWRITE: 0x40046677,
} as const;

export const layouts = {
  ...sharedLayouts,
  /** struct kevent: <sys/event.h>. */
  kevent: {
    size: 64,
    fields: {
      ident: { offset: 0, size: 8 },
      filter: { offset: 8, size: 2 },
      flags: { offset: 10, size: 2 },
      fflags: { offset: 12, size: 4 },
      data: { offset: 16, size: 8 },
      udata: { offset: 24, size: 8 },
      ext: { offset: 32, size: 32 },
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
  /** struct ip_mreqn: <netinet/in.h>. */
  ipMreqn: {
    size: 12,
    fields: {
      multiaddr: { offset: 0, size: 4 },
      address: { offset: 4, size: 4 },
      ifindex: { offset: 8, size: 4 },
    },
  },
  /** struct group_req: <netinet/in.h>: joining a group by the number of an interface. */
  groupReq: {
    size: 136,
    fields: {
      interface: { offset: 0, size: 4 },
      group: { offset: 8, size: 128 },
    },
  },
  /** struct group_source_req: <netinet/in.h>: the same, of one sender. */
  groupSourceReq: {
    size: 264,
    fields: {
      interface: { offset: 0, size: 4 },
      group: { offset: 8, size: 128 },
      source: { offset: 136, size: 128 },
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
  ENOTCAPABLE: 93,
  ECAPMODE: 94,
  ENOTRECOVERABLE: 95,
  EOWNERDEAD: 96,
  EINTEGRITY: 97,
} as const;

/** What control messages are aligned to, and their data behind the header: <sys/socket.h>. */
export const cmsgAlignment = 8;

/** Names of the C library that a program in C does not write itself, or not so. */
export const symbols = { errno: ['__error'], socket: 'socket' } as const;
