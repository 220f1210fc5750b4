/**
 * Structs of Linux that are laid out alike on x64 and arm64. Fields have their C names without the
 * prefix that C needs (`sin_port` is `port`); offsets and sizes are bytes.
 * Checked by `platform.test.ts` against test/data and by `scripts/layouts.ts` against C.
 */
export const layouts = {
  /** struct sockaddr_in: <netinet/in.h>; `port` and `addr` are in network byte order. */
  sockaddrIn: {
    size: 16,
    fields: {
      family: { offset: 0, size: 2 },
      port: { offset: 2, size: 2 },
      addr: { offset: 4, size: 4 },
      zero: { offset: 8, size: 8 },
    },
  },
  /** struct sockaddr_in6: <netinet/in.h>; `port` and `flowinfo` are in network byte order. */
  sockaddrIn6: {
    size: 28,
    fields: {
      family: { offset: 0, size: 2 },
      port: { offset: 2, size: 2 },
      flowinfo: { offset: 4, size: 4 },
      addr: { offset: 8, size: 16 },
      scope_id: { offset: 24, size: 4 },
    },
  },
  /** struct sockaddr_un: <sys/un.h>; the path of an abstract name begins with a zero byte. */
  sockaddrUn: {
    size: 110,
    fields: {
      family: { offset: 0, size: 2 },
      path: { offset: 2, size: 108 },
    },
  },
  /** struct sockaddr: <sys/socket.h>: what every address begins with. */
  sockaddr: {
    size: 16,
    fields: {
      family: { offset: 0, size: 2 },
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
  /** struct msghdr: <sys/socket.h>; musl has `iovlen` and `controllen` as int and padding. */
  msghdr: {
    size: 56,
    fields: {
      name: { offset: 0, size: 8 },
      namelen: { offset: 8, size: 4 },
      iov: { offset: 16, size: 8 },
      iovlen: { offset: 24, size: 8 },
      control: { offset: 32, size: 8 },
      controllen: { offset: 40, size: 8 },
      flags: { offset: 48, size: 4 },
    },
  },
  /** struct cmsghdr: <sys/socket.h>; data follows at `size`, padded to a multiple of 8. */
  cmsghdr: {
    size: 16,
    fields: {
      len: { offset: 0, size: 8 },
      level: { offset: 8, size: 4 },
      type: { offset: 12, size: 4 },
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
  /** struct timespec: <time.h>. */
  timespec: {
    size: 16,
    fields: {
      sec: { offset: 0, size: 8 },
      nsec: { offset: 8, size: 8 },
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
  /** struct ip_mreq: <netinet/in.h>. */
  ipMreq: {
    size: 8,
    fields: {
      multiaddr: { offset: 0, size: 4 },
      interface: { offset: 4, size: 4 },
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
  /** struct ipv6_mreq: <netinet/in.h>. */
  ipv6Mreq: {
    size: 20,
    fields: {
      multiaddr: { offset: 0, size: 16 },
      interface: { offset: 16, size: 4 },
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
  /** struct in6_pktinfo: <netinet/in.h>. */
  in6Pktinfo: {
    size: 20,
    fields: {
      addr: { offset: 0, size: 16 },
      ifindex: { offset: 16, size: 4 },
    },
  },
  /** struct utsname: <sys/utsname.h>. */
  utsname: {
    size: 390,
    fields: {
      sysname: { offset: 0, size: 65 },
      nodename: { offset: 65, size: 65 },
      release: { offset: 130, size: 65 },
      version: { offset: 195, size: 65 },
      machine: { offset: 260, size: 65 },
      domainname: { offset: 325, size: 65 },
    },
  },
  /** struct itimerspec: <time.h>. */
  itimerspec: {
    size: 32,
    fields: {
      it_interval: { offset: 0, size: 16 },
      it_value: { offset: 16, size: 16 },
    },
  },
  /** struct mmsghdr: <sys/socket.h>, with _GNU_SOURCE; `msg_hdr` is a msghdr. */
  mmsghdr: {
    size: 64,
    fields: {
      msg_hdr: { offset: 0, size: 56 },
      msg_len: { offset: 56, size: 4 },
    },
  },
  /** struct sockaddr_storage: <sys/socket.h>: room for any address. */
  sockaddrStorage: {
    size: 128,
    fields: {
      family: { offset: 0, size: 2 },
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
  /** struct ucred: <sys/socket.h>, with _GNU_SOURCE: what SO_PEERCRED gives. */
  ucred: {
    size: 12,
    fields: {
      pid: { offset: 0, size: 4 },
      uid: { offset: 4, size: 4 },
      gid: { offset: 8, size: 4 },
    },
  },
  /** struct sched_attr: <linux/sched/types.h>; its first form. Begins with its size. */
  schedAttr: {
    size: 48,
    fields: {
      policy: { offset: 4, size: 4 },
      flags: { offset: 8, size: 8 },
      nice: { offset: 16, size: 4 },
      priority: { offset: 20, size: 4 },
      runtime: { offset: 24, size: 8 },
      deadline: { offset: 32, size: 8 },
      period: { offset: 40, size: 8 },
    },
  },
  /** struct tcp_info: <linux/tcp.h>; the fields that we read. `data_segs_out` since 4.6. */
  tcpInfo: {
    size: 160,
    fields: {
      snd_mss: { offset: 16, size: 4 },
      unacked: { offset: 24, size: 4 },
      lost: { offset: 32, size: 4 },
      last_data_sent: { offset: 44, size: 4 },
      rtt: { offset: 68, size: 4 },
      rttvar: { offset: 72, size: 4 },
      snd_cwnd: { offset: 80, size: 4 },
      total_retrans: { offset: 100, size: 4 },
      data_segs_out: { offset: 156, size: 4 },
    },
  },
  /** struct epoll_params: <sys/epoll.h>, since 6.9: busy polling of one epoll instance. */
  epollParams: {
    size: 8,
    fields: {
      busy_poll_usecs: { offset: 0, size: 4 },
      busy_poll_budget: { offset: 4, size: 2 },
      prefer_busy_poll: { offset: 6, size: 1 },
    },
  },
} as const;
