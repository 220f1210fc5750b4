/** The C side: which header has what, how C names a field, and programs that print numbers. */

export interface StructInC {
  /** The key in our tables. */
  readonly table: string;
  readonly name: string;
  /** What C puts before each of the struct's field names. */
  readonly prefix: string;
  /** Newer kernels add fields at its end: ours is as long as what we ask for. */
  readonly grows?: true;
}

export const structsInC: readonly StructInC[] = [
  { table: 'sockaddrIn', name: 'sockaddr_in', prefix: 'sin_' },
  { table: 'sockaddrIn6', name: 'sockaddr_in6', prefix: 'sin6_' },
  { table: 'sockaddrUn', name: 'sockaddr_un', prefix: 'sun_' },
  { table: 'sockaddr', name: 'sockaddr', prefix: 'sa_' },
  { table: 'sockaddrStorage', name: 'sockaddr_storage', prefix: 'ss_' },
  { table: 'iovec', name: 'iovec', prefix: 'iov_' },
  { table: 'msghdr', name: 'msghdr', prefix: 'msg_' },
  { table: 'mmsghdr', name: 'mmsghdr', prefix: '' },
  { table: 'cmsghdr', name: 'cmsghdr', prefix: 'cmsg_' },
  { table: 'linger', name: 'linger', prefix: 'l_' },
  { table: 'timespec', name: 'timespec', prefix: 'tv_' },
  { table: 'timeval', name: 'timeval', prefix: 'tv_' },
  { table: 'itimerspec', name: 'itimerspec', prefix: '' },
  { table: 'ipMreq', name: 'ip_mreq', prefix: 'imr_' },
  { table: 'ipMreqn', name: 'ip_mreqn', prefix: 'imr_' },
  { table: 'ipv6Mreq', name: 'ipv6_mreq', prefix: 'ipv6mr_' },
  { table: 'groupReq', name: 'group_req', prefix: 'gr_' },
  { table: 'groupSourceReq', name: 'group_source_req', prefix: 'gsr_' },
  { table: 'inPktinfo', name: 'in_pktinfo', prefix: 'ipi_' },
  { table: 'in6Pktinfo', name: 'in6_pktinfo', prefix: 'ipi6_' },
  { table: 'utsname', name: 'utsname', prefix: '' },
  { table: 'ucred', name: 'ucred', prefix: '' },
  { table: 'tcpInfo', name: 'tcp_info', prefix: 'tcpi_', grows: true },
  { table: 'schedAttr', name: 'sched_attr', prefix: 'sched_', grows: true },
  { table: 'epollEvent', name: 'epoll_event', prefix: '' },
  { table: 'epollParams', name: 'epoll_params', prefix: '' },
];

export const ioUringStructsInC: readonly StructInC[] = [
  { table: 'sqe', name: 'io_uring_sqe', prefix: '' },
  { table: 'cqe', name: 'io_uring_cqe', prefix: '' },
  { table: 'params', name: 'io_uring_params', prefix: '' },
  { table: 'sqringOffsets', name: 'io_sqring_offsets', prefix: '' },
  { table: 'cqringOffsets', name: 'io_cqring_offsets', prefix: '' },
  { table: 'buf', name: 'io_uring_buf', prefix: '' },
  { table: 'bufReg', name: 'io_uring_buf_reg', prefix: '' },
  { table: 'bufRing', name: 'io_uring_buf_ring', prefix: '' },
  { table: 'geteventsArg', name: 'io_uring_getevents_arg', prefix: '' },
];

/** liburing brings a copy of its own, which may be newer or older than the kernel's. */
export const ioUringHeaderSets: readonly (readonly string[])[] = [
  ['linux/io_uring.h'],
  ['liburing/io_uring.h'],
];

export const opensslStructsInC: readonly StructInC[] = [
  { table: 'bufMem', name: 'buf_mem_st', prefix: '' },
];

export const opensslHeaderSets: readonly (readonly string[])[] = [
  ['openssl/ssl.h', 'openssl/bio.h', 'openssl/buffer.h', 'openssl/err.h', 'openssl/x509v3.h'],
];

/**
 * Two sets, because the headers of the C library and those of the kernel define the same structs
 * and cannot be included together. The kernel's know newer numbers.
 */
export const headerSets: readonly (readonly string[])[] = [
  [
    'errno.h',
    'fcntl.h',
    'netinet/in.h',
    'netinet/tcp.h',
    'netinet/udp.h',
    'poll.h',
    'signal.h',
    'sys/epoll.h',
    'sys/eventfd.h',
    'sys/ioctl.h',
    'sys/mman.h',
    'sys/prctl.h',
    'sys/wait.h',
    'sys/socket.h',
    'sys/syscall.h',
    'sys/time.h',
    'sys/timerfd.h',
    'sys/uio.h',
    'sys/un.h',
    'sys/utsname.h',
    'time.h',
    'linux/sockios.h',
  ],
  [
    'asm/ioctls.h',
    'asm/socket.h',
    'asm/unistd.h',
    'linux/errno.h',
    'linux/eventpoll.h',
    'linux/in.h',
    'linux/in6.h',
    'linux/sched/types.h',
    'linux/tcp.h',
    'linux/udp.h',
    'sys/ioctl.h',
  ],
];

const includesOf = (headers: readonly string[]): string =>
  headers
    .map((header) => `#if __has_include(<${header}>)\n#include <${header}>\n#endif\n`)
    .join('');

function programOf(headers: readonly string[], body: string): string {
  return `#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
${includesOf(headers)}
int main(void) {
${body}  return 0;
}
`;
}

/** Only for the preprocessor: what it leaves is where enumerators stand. */
export function includesProgram(headers: readonly string[]): string {
  return programOf(headers, '');
}

/**
 * Prints `name value` for each name that the headers know; `prefix` is C's (`SYS_`).
 * @param enumerators names that are no macros, so that the preprocessor cannot tell.
 */
export function constantsProgram(
  headers: readonly string[],
  names: readonly string[],
  prefix: string,
  enumerators: ReadonlySet<string>,
): string {
  const lines = names.map((name) => {
    const print = `  printf("${name} %lld\\n", (long long)${prefix}${name});\n`;
    return enumerators.has(name) ? print : `#ifdef ${prefix}${name}\n${print}#endif\n`;
  });
  return programOf(headers, lines.join(''));
}

/** Prints `size N` and `field OFFSET SIZE` for each field of one struct. */
export function structProgram(
  headers: readonly string[],
  struct: StructInC,
  fields: readonly string[],
): string {
  const type = `struct ${struct.name}`;
  const lines = fields.map((field) => {
    const member = `${struct.prefix}${field}`;
    return `  printf("${field} %zu %zu\\n", offsetof(${type}, ${member}), sizeof(((${type} *)0)->${member}));\n`;
  });
  return programOf(headers, `  printf("size %zu\\n", sizeof(${type}));\n${lines.join('')}`);
}
