/**
 * What macOS and the four BSDs have alike, on every CPU: numbers, structs and error numbers. Each adds its
 * own in a file of its name. Names are those of C, so that a manual page can be followed.
 * Checked by `index.test.ts` against test/data and by `scripts/layouts.ts` against C.
 */
export const constants = {
  // Families, types and shutdown: <sys/socket.h>.
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_SEQPACKET: 5,
  SOCK_RAW: 3,
  SOMAXCONN: 128,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  SCM_RIGHTS: 1,

  // Levels of options: <sys/socket.h>, <netinet/in.h>.
  SOL_SOCKET: 65535,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,

  // Socket options: <sys/socket.h>.
  SO_REUSEADDR: 4,
  SO_REUSEPORT: 512,
  SO_KEEPALIVE: 8,
  SO_LINGER: 128,
  SO_SNDBUF: 4097,
  SO_RCVBUF: 4098,
  SO_SNDLOWAT: 4099,
  SO_RCVLOWAT: 4100,
  SO_ERROR: 4103,
  SO_TYPE: 4104,
  SO_ACCEPTCONN: 2,
  SO_BROADCAST: 32,
  SO_OOBINLINE: 256,
  SO_DONTROUTE: 16,

  // TCP options: <netinet/tcp.h>.
  TCP_NODELAY: 1,
  TCP_MAXSEG: 2,

  // IPv4 options: <netinet/in.h>.
  IP_TOS: 3,
  IP_TTL: 4,
  IP_MULTICAST_IF: 9,
  IP_MULTICAST_TTL: 10,
  IP_MULTICAST_LOOP: 11,
  IP_ADD_MEMBERSHIP: 12,
  IP_DROP_MEMBERSHIP: 13,
  IP_RECVDSTADDR: 7,

  // IPv6 options: <netinet6/in6.h>.
  IPV6_V6ONLY: 27,
  IPV6_UNICAST_HOPS: 4,
  IPV6_MULTICAST_IF: 9,
  IPV6_MULTICAST_HOPS: 10,
  IPV6_MULTICAST_LOOP: 11,
  IPV6_JOIN_GROUP: 12,
  IPV6_LEAVE_GROUP: 13,
  IPV6_PKTINFO: 46,
  IPV6_DONTFRAG: 62,
  IPV6_HOPLIMIT: 47,
  IPV6_RECVHOPLIMIT: 37,

  // Flags of send and receive: <sys/socket.h>.
  MSG_OOB: 1,
  MSG_PEEK: 2,
  MSG_DONTROUTE: 4,
  MSG_CTRUNC: 32,
  MSG_TRUNC: 16,
  MSG_DONTWAIT: 128,
  MSG_EOR: 8,
  MSG_WAITALL: 64,

  // Children: <sys/wait.h>.
  WNOHANG: 1,

  // Descriptor commands and open flags: <fcntl.h>.
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
  O_NONBLOCK: 4,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 512,
  O_EXCL: 2048,

  // Memory mapping: <sys/mman.h>.
  PROT_READ: 1,
  PROT_WRITE: 2,
  PROT_NONE: 0,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 16,
  MAP_ANON: 4096,
  MADV_DONTNEED: 4,
  PROT_EXEC: 4,

  // kqueue: <sys/event.h>.
  EV_ADD: 1,
  EV_CLEAR: 32,
  EV_DELETE: 2,
  EV_DISABLE: 8,
  EV_DISPATCH: 128,
  EV_ENABLE: 4,
  EV_EOF: 32768,
  EV_ERROR: 16384,
  EV_ONESHOT: 16,
  EV_RECEIPT: 64,
  NOTE_FFNOP: 0,
  NOTE_LOWAT: 1,
  NOTE_TRIGGER: 0x1000000,

  // ioctl requests: <sys/filio.h>.
  FIONBIO: 0x8004667e,
  FIONREAD: 0x4004667f,
  FIOCLEX: 0x20006601,
  FIONCLEX: 0x20006602,
} as const;

/** Fields have their C names without the prefix that C needs; offsets and sizes are bytes. */
export const layouts = {
  /** struct sockaddr_in: <netinet/in.h>; `port` and `addr` are in network byte order. */
  sockaddrIn: {
    size: 16,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
      port: { offset: 2, size: 2 },
      addr: { offset: 4, size: 4 },
      zero: { offset: 8, size: 8 },
    },
  },
  /** struct sockaddr_in6: <netinet6/in6.h>; `port` and `flowinfo` are in network byte order. */
  sockaddrIn6: {
    size: 28,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
      port: { offset: 2, size: 2 },
      flowinfo: { offset: 4, size: 4 },
      addr: { offset: 8, size: 16 },
      scope_id: { offset: 24, size: 4 },
    },
  },
  /** struct sockaddr_un: <sys/un.h>; there are no abstract names. */
  sockaddrUn: {
    size: 106,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
      path: { offset: 2, size: 104 },
    },
  },
  /** struct sockaddr: <sys/socket.h>: what every address begins with. */
  sockaddr: {
    size: 16,
    fields: {
      len: { offset: 0, size: 1 },
      family: { offset: 1, size: 1 },
      data: { offset: 2, size: 14 },
    },
  },
  /** struct iovec: <sys/uio.h>. */
  iovec: {
    size: 16,
    fields: {
      base: { offset: 0, size: 8 },
      len: { offset: 8, size: 8 },
    },
  },
  /** struct msghdr: <sys/socket.h>. */
  msghdr: {
    size: 48,
    fields: {
      name: { offset: 0, size: 8 },
      namelen: { offset: 8, size: 4 },
      iov: { offset: 16, size: 8 },
      iovlen: { offset: 24, size: 4 },
      control: { offset: 32, size: 8 },
      controllen: { offset: 40, size: 4 },
      flags: { offset: 44, size: 4 },
    },
  },
  /** struct cmsghdr: <sys/socket.h>; where its data begins: `cmsgAlignment`. */
  cmsghdr: {
    size: 12,
    fields: {
      len: { offset: 0, size: 4 },
      level: { offset: 4, size: 4 },
      type: { offset: 8, size: 4 },
    },
  },
  /** struct linger: <sys/socket.h>; `linger` is in seconds. */
  linger: {
    size: 8,
    fields: {
      onoff: { offset: 0, size: 4 },
      linger: { offset: 4, size: 4 },
    },
  },
  /** struct timespec: <sys/time.h>. */
  timespec: {
    size: 16,
    fields: {
      sec: { offset: 0, size: 8 },
      nsec: { offset: 8, size: 8 },
    },
  },
  /** struct ip_mreq: <netinet/in.h>. */
  ipMreq: {
    size: 8,
    fields: {
      multiaddr: { offset: 0, size: 4 },
      interface: { offset: 4, size: 4 },
    },
  },
  /** struct ipv6_mreq: <netinet6/in6.h>. */
  ipv6Mreq: {
    size: 20,
    fields: {
      multiaddr: { offset: 0, size: 16 },
      interface: { offset: 16, size: 4 },
    },
  },
  /** struct in6_pktinfo: <netinet6/in6.h>. */
  in6Pktinfo: {
    size: 20,
    fields: {
      addr: { offset: 0, size: 16 },
      ifindex: { offset: 16, size: 4 },
    },
  },
} as const;
