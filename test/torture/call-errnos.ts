/** Which errnos each call may give, by its manual page, and what may come of them. */

/** Any call might give these, whatever its page says. */
const anyCall = 'EAGAIN EINTR ENOBUFS ENOMEM EPERM';
const ofSocket = 'EBADF EFAULT EINVAL ENOTSOCK';
const ofAccept = `${ofSocket} ECONNABORTED EMFILE ENFILE ENOTSUP EPROTO EHOSTUNREACH ENETDOWN`;
/** `SHORT`: it does less than was asked for. */
const ofReceive = `SHORT ${ofSocket} ECONNREFUSED ECONNRESET EIO ENOTCONN ETIMEDOUT EHOSTUNREACH`;
const ofSend = `SHORT ${ofSocket} EACCES ECONNRESET EDESTADDRREQ EISCONN EMSGSIZE ENOTCONN ENOTSUP EPIPE`;
const ofPoll = 'EBADF ECANCELED EFAULT EINVAL';

const withoutShort = (errnos: string): string => errnos.replace('SHORT ', '');

const pages: Readonly<Record<string, string>> = {
  socket: 'EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE EPROTONOSUPPORT',
  bind: `${ofSocket} EACCES EADDRINUSE EADDRNOTAVAIL ELOOP ENAMETOOLONG ENOENT ENOTDIR EROFS`,
  listen: 'EADDRINUSE EBADF ENOTSOCK ENOTSUP',
  connect: `${ofSocket} EACCES EADDRINUSE EADDRNOTAVAIL EALREADY ECONNREFUSED EISCONN ENETUNREACH
    EPROTOTYPE ETIMEDOUT`,
  accept4: ofAccept,
  shutdown: 'EBADF EINVAL ENOTCONN ENOTSOCK',
  getsockname: ofSocket,
  getpeername: `${ofSocket} ENOTCONN`,
  setsockopt: `${ofSocket} ENOPROTOOPT`,
  getsockopt: `${ofSocket} ENOPROTOOPT`,
  ioctl: 'EBADF EFAULT EINVAL ENOTTY',
  recvfrom: ofReceive,
  recvmsg: withoutShort(ofReceive),
  recvmmsg: withoutShort(ofReceive),
  sendto: ofSend,
  sendmsg: withoutShort(ofSend),
  sendmmsg: withoutShort(ofSend),
  close: 'EBADF EDQUOT EIO ENOSPC',
  fcntl: 'EACCES EBADF EINVAL EMFILE',
  mmap: 'EACCES EINVAL ENFILE',
  munmap: 'EINVAL',
  madvise: 'EBADF EINVAL EIO',
  eventfd: 'EINVAL EMFILE ENFILE ENODEV',
  read: 'EBADF EFAULT EINVAL EIO',
  write: 'EBADF EFAULT EINVAL EIO ENOSPC EPIPE',
  epoll_create1: 'EINVAL EMFILE ENFILE',
  epoll_ctl: 'EBADF EEXIST EINVAL ELOOP ENOENT ENOSPC',
  epoll_wait: 'EBADF EFAULT EINVAL',
  socketpair: 'EAFNOSUPPORT EMFILE ENFILE ENOTSUP',
  // `TINY`: as few entries as there can be, so that completions overflow.
  io_uring_setup: 'TINY EFAULT EINVAL EMFILE ENFILE ENOSYS',
  io_uring_enter: 'EBADF EBADFD EBADR EBUSY EEXIST EFAULT EINVAL ENXIO ENOTSUP ETIME',
  io_uring_register: 'EACCES EBADF EBADFD EBUSY EEXIST EFAULT EINVAL EMFILE ENXIO ENOTSUP',
  'io_uring:accept': `${ofAccept} ECANCELED`,
  'io_uring:receive': `${ofReceive} ECANCELED`,
  'io_uring:send': `${ofSend} ECANCELED`,
  'io_uring:connect': ofPoll,
  'io_uring:room': ofPoll,
  'io_uring:hangup': ofPoll,
  'io_uring:datagram': ofPoll,
  'io_uring:wake': ofPoll,
  'io_uring:watched': ofPoll,
  'io_uring:cancelReceive': 'EALREADY EINVAL ENOENT',
  'io_uring:cancelStream': 'EALREADY EINVAL ENOENT',
  'io_uring:sweep': 'ECANCELED EFAULT EINVAL',
  'io_uring:longSleep': 'ECANCELED EFAULT EINVAL',
};

export const calls: readonly string[] = Object.keys(pages);

export function errnosOf(call: string): readonly string[] {
  return [...new Set(`${pages[call]} ${anyCall}`.split(/\s+/))].sort();
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Not now, or not this one: nobody's connection may notice. */
const nobodyNotices: Readonly<Record<string, ReadonlySet<string>>> = {
  accept4: words('EAGAIN EINTR ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM EPROTO'),
  'io_uring:accept': words('EAGAIN EINTR ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM EPROTO'),
  recvfrom: words('SHORT EAGAIN EINTR ENOBUFS ENOMEM'),
  sendto: words('SHORT EAGAIN EINTR ENOBUFS ENOMEM'),
  sendmsg: words('EAGAIN EINTR ENOBUFS ENOMEM'),
  'io_uring:receive': words('SHORT EAGAIN EINTR ENOBUFS ENOMEM ECANCELED'),
  'io_uring:send': words('SHORT EAGAIN EINTR ENOBUFS ENOMEM'),
  'io_uring:connect': words('EAGAIN EINTR ENOBUFS ENOMEM ECANCELED'),
  epoll_wait: words('EINTR EAGAIN ENOMEM'),
  io_uring_enter: words('EAGAIN EBUSY EINTR ENOBUFS ENOMEM ETIME'),
};

/** Of these no failure is about a connection, or there is another way. */
const neverNoticed = words(
  `close munmap madvise getsockname getpeername ioctl read shutdown
   io_uring:room io_uring:hangup io_uring:datagram io_uring:wake io_uring:watched
   io_uring:cancelReceive io_uring:cancelStream io_uring:sweep io_uring:longSleep`,
);

export function mayBeNoticed(call: string, errno: string): boolean {
  return !neverNoticed.has(call) && !(nobodyNotices[call]?.has(errno) ?? false);
}

/** The system has no memory: it is asked again after a rest, and not as fast as the loop turns. */
export function mustRest(call: string, errno: string): boolean {
  if (errno === 'EAGAIN') return call === 'sendto' || call === 'io_uring_enter';
  return resting.has(call) && (errno === 'ENOMEM' || errno === 'ENOBUFS');
}

const resting = words(
  `accept4 recvfrom recvmsg recvmmsg sendto sendmsg io_uring_enter io_uring:accept io_uring:receive
   io_uring:send io_uring:connect io_uring:room io_uring:hangup io_uring:datagram io_uring:wake
   io_uring:watched io_uring:sweep io_uring:longSleep`,
);

/** What a loop cannot live without: when it fails for good, the server says so and ends. */
const endsTheServer: Readonly<Record<string, ReadonlySet<string>>> = {
  // A hundred waits in a row: a loop that only spins helps nobody.
  epoll_wait: words('EBADF EFAULT EINVAL EPERM ENOMEM ENOBUFS EAGAIN'),
  io_uring_enter: words('EBADF EBADFD EBADR EEXIST EFAULT EINVAL ENXIO ENOTSUP EPERM'),
};

export function mayEndTheServer(call: string, errno: string): boolean {
  return endsTheServer[call]?.has(errno) ?? false;
}
