/**
 * Numbers and layouts of io_uring, the same on x64 and arm64: <linux/io_uring.h>. Only those that are
 * used, with the kernel they came with where it is newer than 6.1, the oldest one the driver takes.
 * Checked against test/data by `linux-io-uring.test.ts`.
 */
export const ioUringConstants = {
  // Where to map which part of a ring.
  IORING_OFF_SQ_RING: 0,
  IORING_OFF_SQES: 0x10000000,

  // io_uring_setup(2). NO_SQARRAY 6.6.
  IORING_SETUP_CQSIZE: 8,
  IORING_SETUP_CLAMP: 16,
  IORING_SETUP_SUBMIT_ALL: 128,
  IORING_SETUP_TASKRUN_FLAG: 512,
  IORING_SETUP_SINGLE_ISSUER: 4096,
  IORING_SETUP_DEFER_TASKRUN: 8192,
  IORING_SETUP_NO_SQARRAY: 65536,

  // What the kernel says it can. NO_IOWAIT 6.15.
  IORING_FEAT_SINGLE_MMAP: 1,
  IORING_FEAT_NODROP: 2,
  IORING_FEAT_EXT_ARG: 256,
  IORING_FEAT_NO_IOWAIT: 131072,

  // io_uring_enter(2) and the flags of the queues.
  IORING_ENTER_GETEVENTS: 1,
  IORING_ENTER_EXT_ARG: 8,
  IORING_ENTER_NO_IOWAIT: 128,
  IORING_SQ_CQ_OVERFLOW: 2,
  IORING_SQ_TASKRUN: 4,

  // io_uring_register(2). IOU_PBUF_RING_INC 6.12.
  IORING_REGISTER_EVENTFD: 4,
  IORING_REGISTER_PBUF_RING: 22,
  IORING_UNREGISTER_PBUF_RING: 23,
  IOU_PBUF_RING_INC: 2,

  // Operations.
  IORING_OP_POLL_ADD: 6,
  IORING_OP_SENDMSG: 9,
  IORING_OP_TIMEOUT: 11,
  IORING_OP_ACCEPT: 13,
  IORING_OP_ASYNC_CANCEL: 14,
  IORING_OP_SEND: 26,
  IORING_OP_RECV: 27,

  // Their flags.
  IOSQE_BUFFER_SELECT: 32,
  IORING_POLL_ADD_MULTI: 1,
  IORING_ACCEPT_MULTISHOT: 1,
  IORING_RECV_MULTISHOT: 2,
  IORING_ASYNC_CANCEL_ALL: 1,
  IORING_ASYNC_CANCEL_FD: 2,
  IORING_ASYNC_CANCEL_ANY: 4,

  // Flags of completions.
  IORING_CQE_F_BUFFER: 1,
  IORING_CQE_F_MORE: 2,
  IORING_CQE_F_SOCK_NONEMPTY: 4,
  IORING_CQE_F_BUF_MORE: 16,
  IORING_CQE_BUFFER_SHIFT: 16,
} as const;

export const ioUringLayouts = {
  sqe: {
    size: 64,
    fields: {
      opcode: { offset: 0, size: 1 },
      flags: { offset: 1, size: 1 },
      ioprio: { offset: 2, size: 2 },
      fd: { offset: 4, size: 4 },
      off: { offset: 8, size: 8 },
      addr: { offset: 16, size: 8 },
      len: { offset: 24, size: 4 },
      msg_flags: { offset: 28, size: 4 },
      user_data: { offset: 32, size: 8 },
      buf_group: { offset: 40, size: 2 },
      personality: { offset: 42, size: 2 },
      file_index: { offset: 44, size: 4 },
      addr3: { offset: 48, size: 8 },
    },
  },
  cqe: {
    size: 16,
    fields: {
      user_data: { offset: 0, size: 8 },
      res: { offset: 8, size: 4 },
      flags: { offset: 12, size: 4 },
    },
  },
  params: {
    size: 120,
    fields: {
      sq_entries: { offset: 0, size: 4 },
      cq_entries: { offset: 4, size: 4 },
      flags: { offset: 8, size: 4 },
      sq_thread_cpu: { offset: 12, size: 4 },
      sq_thread_idle: { offset: 16, size: 4 },
      features: { offset: 20, size: 4 },
      wq_fd: { offset: 24, size: 4 },
      sq_off: { offset: 40, size: 40 },
      cq_off: { offset: 80, size: 40 },
    },
  },
  sqringOffsets: {
    size: 40,
    fields: {
      head: { offset: 0, size: 4 },
      tail: { offset: 4, size: 4 },
      ring_mask: { offset: 8, size: 4 },
      ring_entries: { offset: 12, size: 4 },
      flags: { offset: 16, size: 4 },
      dropped: { offset: 20, size: 4 },
      array: { offset: 24, size: 4 },
      user_addr: { offset: 32, size: 8 },
    },
  },
  cqringOffsets: {
    size: 40,
    fields: {
      head: { offset: 0, size: 4 },
      tail: { offset: 4, size: 4 },
      ring_mask: { offset: 8, size: 4 },
      ring_entries: { offset: 12, size: 4 },
      overflow: { offset: 16, size: 4 },
      cqes: { offset: 20, size: 4 },
      flags: { offset: 24, size: 4 },
      user_addr: { offset: 32, size: 8 },
    },
  },
  buf: {
    size: 16,
    fields: {
      addr: { offset: 0, size: 8 },
      len: { offset: 8, size: 4 },
      bid: { offset: 12, size: 2 },
      resv: { offset: 14, size: 2 },
    },
  },
  bufReg: {
    size: 40,
    fields: {
      ring_addr: { offset: 0, size: 8 },
      ring_entries: { offset: 8, size: 4 },
      bgid: { offset: 12, size: 2 },
      flags: { offset: 14, size: 2 },
    },
  },
  bufRing: { size: 16, fields: { tail: { offset: 14, size: 2 } } },
  geteventsArg: {
    size: 24,
    fields: {
      sigmask: { offset: 0, size: 8 },
      sigmask_sz: { offset: 8, size: 4 },
      min_wait_usec: { offset: 12, size: 4 },
      ts: { offset: 16, size: 8 },
    },
  },
} as const;
