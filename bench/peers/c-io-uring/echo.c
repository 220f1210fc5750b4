/*
 * An echo server in C over io_uring, with liburing: the floor for our io_uring driver.
 *
 * usage: echo tcp PORT | echo unix PATH
 *
 * Multishot accept, and a multishot receive per connection into one ring of buffers that the kernel
 * fills bit by bit (Linux 6.12). What was received is sent from where it stands, one send per
 * connection at a time; pieces that arrive meanwhile wait for it. One system call per turn submits
 * and waits.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SUBMISSIONS 1024
#define COMPLETIONS 4096
#define BUFFERS 64
#define BUFFER_BYTES 65536
#define GROUP 0
#define BACKLOG 4096
#define BATCH 256
/* Newer than the headers of some distributions. */
#define BUFFER_RING_INCREMENTAL 2
#define COMPLETION_KEEPS_BUFFER (1U << 4)

enum kind { ACCEPT, RECEIVE, SEND };

/* Bytes of a buffer that wait to be sent. */
struct piece {
  struct piece *next;
  uint8_t *bytes;
  size_t length;
  int buffer;
};

struct connection {
  int fd;
  int receiving, sending, ended;
  struct piece *first, *last; /* the first one is in flight while `sending` */
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static uint8_t *memory;
static size_t filled[BUFFERS];  /* bytes the kernel has used of each buffer */
static int waiting[BUFFERS];    /* pieces of it that are not sent yet */
static int exhausted[BUFFERS];  /* the kernel is done with it */
static struct piece *spare;

static void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

/* Connections are 16-byte aligned: the kind fits below. */
static struct io_uring_sqe *operation(struct connection *c, enum kind kind) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL) {
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) fail("submission queue", EBUSY);
  }
  memset(sqe, 0, sizeof *sqe);
  sqe->user_data = (uintptr_t)c | kind;
  return sqe;
}

static void start_accepting(int listener) {
  struct io_uring_sqe *sqe = operation(NULL, ACCEPT);
  uint64_t data = sqe->user_data;
  io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  sqe->user_data = data;
}

static void start_receiving(struct connection *c) {
  struct io_uring_sqe *sqe = operation(c, RECEIVE);
  uint64_t data = sqe->user_data;
  io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = GROUP;
  sqe->user_data = data;
  c->receiving = 1;
}

static void start_sending(struct connection *c) {
  struct io_uring_sqe *sqe = operation(c, SEND);
  uint64_t data = sqe->user_data;
  io_uring_prep_send(sqe, c->fd, c->first->bytes, c->first->length, MSG_NOSIGNAL | MSG_WAITALL);
  sqe->user_data = data;
  c->sending = 1;
}

static void provide(int buffer) {
  filled[buffer] = 0;
  exhausted[buffer] = 0;
  io_uring_buf_ring_add(buffers, memory + (size_t)buffer * BUFFER_BYTES, BUFFER_BYTES,
                        (unsigned short)buffer, BUFFERS - 1, 0);
  io_uring_buf_ring_advance(buffers, 1);
}

static void release(int buffer) {
  if (exhausted[buffer] && waiting[buffer] == 0) provide(buffer);
}

static void drop_first(struct connection *c) {
  struct piece *piece = c->first;
  c->first = piece->next;
  if (c->first == NULL) c->last = NULL;
  waiting[piece->buffer]--;
  release(piece->buffer);
  piece->next = spare;
  spare = piece;
}

static void append(struct connection *c, int buffer, size_t length) {
  struct piece *piece = spare;
  if (piece == NULL) {
    if ((piece = malloc(sizeof *piece)) == NULL) fail("malloc", ENOMEM);
  } else {
    spare = piece->next;
  }
  *piece = (struct piece){.bytes = memory + (size_t)buffer * BUFFER_BYTES + filled[buffer],
                          .length = length,
                          .buffer = buffer};
  waiting[buffer]++;
  if (c->last == NULL) c->first = piece;
  else c->last->next = piece;
  c->last = piece;
}

/* Closes once the kernel has let go of everything. */
static void close_if_done(struct connection *c) {
  if (!c->ended || c->receiving || c->sending) return;
  while (c->first != NULL) drop_first(c);
  close(c->fd);
  free(c);
}

static void on_received(struct connection *c, const struct io_uring_cqe *cqe) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) c->receiving = 0;
  if (cqe->flags & IORING_CQE_F_BUFFER) {
    int buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    if (cqe->res > 0) {
      if (!c->ended) append(c, buffer, (size_t)cqe->res);
      filled[buffer] += (size_t)cqe->res;
    }
    if (!(cqe->flags & COMPLETION_KEEPS_BUFFER)) exhausted[buffer] = 1;
    release(buffer);
  }
  if (cqe->res == 0 || (cqe->res < 0 && cqe->res != -ENOBUFS)) c->ended = 1;
  if (!c->sending && c->first != NULL) start_sending(c);
  if (!c->ended && !c->receiving) start_receiving(c);
  close_if_done(c);
}

static void on_sent(struct connection *c, const struct io_uring_cqe *cqe) {
  c->sending = 0;
  if (cqe->res < 0) {
    if (!c->ended) shutdown(c->fd, SHUT_RDWR);
    c->ended = 1;
  } else if ((size_t)cqe->res < c->first->length) {
    c->first->bytes += cqe->res;
    c->first->length -= (size_t)cqe->res;
  } else {
    drop_first(c);
  }
  if (cqe->res >= 0 && c->first != NULL) start_sending(c);
  close_if_done(c);
}

static void on_accepted(int listener, const struct io_uring_cqe *cqe) {
  if (cqe->res >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) fail("calloc", ENOMEM);
    c->fd = cqe->res;
    start_receiving(c);
  }
  if (!(cqe->flags & IORING_CQE_F_MORE)) start_accepting(listener);
}

static void serve(int listener) {
  struct io_uring_cqe *cqes[BATCH];
  if (listen(listener, BACKLOG) != 0) fail("listen", errno);
  start_accepting(listener);
  for (;;) {
    int result = io_uring_submit_and_wait(&ring, 1);
    if (result < 0 && result != -EINTR && result != -EBUSY) fail("io_uring_enter", -result);
    unsigned count = io_uring_peek_batch_cqe(&ring, cqes, BATCH);
    for (unsigned i = 0; i < count; i++) {
      uint64_t data = cqes[i]->user_data;
      struct connection *c = (struct connection *)(uintptr_t)(data & ~(uint64_t)15);
      switch ((enum kind)(data & 15)) {
        case ACCEPT: on_accepted(listener, cqes[i]); break;
        case RECEIVE: on_received(c, cqes[i]); break;
        case SEND: on_sent(c, cqes[i]); break;
      }
    }
    io_uring_cq_advance(&ring, count);
  }
}

static void *map(size_t length) {
  void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) fail("mmap", errno);
  return address;
}

static void set_up_ring(void) {
  struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE |
                                                IORING_SETUP_DEFER_TASKRUN |
                                                IORING_SETUP_SUBMIT_ALL,
                                       .cq_entries = COMPLETIONS};
  int result = io_uring_queue_init_params(SUBMISSIONS, &ring, &parameters);
  if (result < 0) fail("io_uring_setup", -result);
  buffers = map(BUFFERS * sizeof(struct io_uring_buf));
  memory = map((size_t)BUFFERS * BUFFER_BYTES);
  struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)buffers,
                                          .ring_entries = BUFFERS,
                                          .bgid = GROUP};
  /* The flags follow the group; older headers call them padding. */
  uint16_t flags = BUFFER_RING_INCREMENTAL;
  memcpy((char *)&registration + 14, &flags, sizeof flags);
  result = io_uring_register_buf_ring(&ring, &registration, 0);
  if (result < 0) fail("io_uring_register_buf_ring", -result);
  io_uring_buf_ring_init(buffers);
  for (int buffer = 0; buffer < BUFFERS; buffer++) provide(buffer);
}

static int bind_internet(const char *port) {
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(port)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", errno);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Accepted sockets inherit it, which saves a call for every connection. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind", errno);
  return fd;
}

static int bind_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", errno);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind", errno);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: echo tcp PORT | echo unix PATH\n", stderr);
    return 2;
  }
  set_up_ring();
  serve(strcmp(argv[1], "unix") == 0 ? bind_unix(argv[2]) : bind_internet(argv[2]));
}
