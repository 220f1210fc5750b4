/** What Linux has of its own on x64; the rest is shared. */
import { constants as shared } from './linux.ts';
import { layouts as sharedLayouts } from './linux-layouts.ts';

export const constants = {
  ...shared,
  // <sys/mman.h>: below 2 GiB; no other CPU has it.
  MAP_32BIT: 64,
} as const;

export const layouts = {
  ...sharedLayouts,
  /** struct epoll_event: <sys/epoll.h>; packed on x64 only. */
  epollEvent: {
    size: 12,
    fields: {
      events: { offset: 0, size: 4 },
      data: { offset: 4, size: 8 },
    },
  },
} as const;

/** <asm/unistd.h>. io_uring_* 5.1, epoll_pwait2 5.11. */
export const syscallNumbers = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  epoll_create1: 291,
  epoll_ctl: 233,
  epoll_wait: 232,
  epoll_pwait: 281,
  epoll_pwait2: 441,
  eventfd2: 290,
  accept4: 288,
  recvmmsg: 299,
  sendmmsg: 307,
  close: 3,
  read: 0,
  write: 1,
  readv: 19,
  writev: 20,
  sendto: 44,
  recvfrom: 45,
  sendmsg: 46,
  recvmsg: 47,
  gettid: 186,
  sched_setaffinity: 203,
  sched_setattr: 314,
  sched_getattr: 315,
  getrandom: 318,
  memfd_create: 319,
} as const;

export const linuxX64 = { constants, layouts, syscallNumbers };
