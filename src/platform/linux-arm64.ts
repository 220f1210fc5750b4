/** What Linux has of its own on arm64; the rest is shared. */
import { constants as shared } from './linux.ts';
import { layouts as sharedLayouts } from './linux-layouts.ts';

export const constants = {
  ...shared,
} as const;

export const layouts = {
  ...sharedLayouts,
  /** struct epoll_event: <sys/epoll.h>; aligned as C does by itself, other than on x64. */
  epollEvent: {
    size: 16,
    fields: {
      events: { offset: 0, size: 4 },
      data: { offset: 8, size: 8 },
    },
  },
} as const;

/** <asm/unistd.h>. io_uring_* 5.1, epoll_pwait2 5.11. */
export const syscallNumbers = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  epoll_create1: 20,
  epoll_ctl: 21,
  epoll_pwait: 22,
  epoll_pwait2: 441,
  eventfd2: 19,
  accept4: 242,
  recvmmsg: 243,
  sendmmsg: 269,
  close: 57,
  read: 63,
  write: 64,
  readv: 65,
  writev: 66,
  sendto: 206,
  recvfrom: 207,
  sendmsg: 211,
  recvmsg: 212,
  gettid: 178,
  sched_setaffinity: 122,
  sched_setattr: 274,
  sched_getattr: 275,
  getrandom: 278,
  memfd_create: 279,
} as const;

export const linuxArm64 = { constants, layouts, syscallNumbers };
