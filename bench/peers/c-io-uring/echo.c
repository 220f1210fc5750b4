/*
 * An echo server in C over io_uring with liburing: what completions cost without a runtime.
 *
 * usage: echo tcp PORT | echo unix PATH
 *
 * Multishot accept and receive, buffers that the kernel picks from a ring, one send in flight per
 * connection that gathers what has arrived meanwhile, one system call per turn.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRIES 4096
#define COMPLETIONS 16384
#define BACKLOG 4096
#define BUFFER_BYTES 16384
#define BUFFERS 2048 /* a power of two */
#define BUFFER_GROUP 0
#define PIECES_PER_SEND 32
/* When buffers are short, this many serve one connection, instead of one each for many. */
#define BUFFERS_PER_STARVED 32
#define NO_BUFFER UINT16_MAX

enum operation { ACCEPT, RECEIVE, SEND };
#define OPERATION_MASK 7u

/* A connection outlives its descriptor until the kernel has let go of both its operations. */
struct connection {
  int fd;
  bool receiving;
  bool sending;
  bool ended;   /* nothing more will be received */
  bool starved; /* waits for a free buffer */
  uint16_t first; /* buffers that wait to be sent, linked by next_buffer */
  uint16_t last;
  uint16_t in_flight; /* how many of them the send has */
  struct connection *next_starved;
  struct msghdr message;
  struct iovec pieces[PIECES_PER_SEND];
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static uint8_t *buffers;
static uint16_t next_buffer[BUFFERS];
static uint32_t buffer_length[BUFFERS];
static uint32_t free_buffers;
static uint32_t returned; /* buffers given back so far */
static struct connection *first_starved;
static struct connection *last_starved;
static int listener;

static void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

static struct io_uring_sqe *submission(void) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL) {
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) fail("io_uring_get_sqe", EBUSY);
  }
  return sqe;
}

/* Behind the preparation, which clears it. */
static void tag(struct io_uring_sqe *sqe, enum operation operation, struct connection *c) {
  io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)c | operation);
}

static void arm_accept(void) {
  struct io_uring_sqe *sqe = submission();
  io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
  tag(sqe, ACCEPT, NULL);
}

static void arm_receive(struct connection *c) {
  struct io_uring_sqe *sqe = submission();
  io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BUFFER_GROUP;
  tag(sqe, RECEIVE, c);
  c->receiving = true;
}

static void arm_send(struct connection *c) {
  struct io_uring_sqe *sqe = submission();
  uint16_t buffer = c->first;
  c->in_flight = 0;
  while (buffer != NO_BUFFER && c->in_flight < PIECES_PER_SEND) {
    c->pieces[c->in_flight++] = (struct iovec){.iov_base = buffers + (size_t)buffer * BUFFER_BYTES,
                                               .iov_len = buffer_length[buffer]};
    buffer = next_buffer[buffer];
  }
  int flags = MSG_NOSIGNAL | MSG_WAITALL;
  if (c->in_flight == 1) {
    io_uring_prep_send(sqe, c->fd, c->pieces[0].iov_base, c->pieces[0].iov_len, flags);
  } else {
    c->message = (struct msghdr){.msg_iov = c->pieces, .msg_iovlen = c->in_flight};
    io_uring_prep_sendmsg(sqe, c->fd, &c->message, (unsigned)flags);
  }
  tag(sqe, SEND, c);
  c->sending = true;
}

static void give_back(uint16_t buffer) {
  io_uring_buf_ring_add(buffer_ring, buffers + (size_t)buffer * BUFFER_BYTES, BUFFER_BYTES, buffer,
                        io_uring_buf_ring_mask(BUFFERS), 0);
  io_uring_buf_ring_advance(buffer_ring, 1);
  free_buffers++;
  returned++;
  struct connection *c = first_starved;
  if (c == NULL) return;
  if (returned % BUFFERS_PER_STARVED != 0 && free_buffers < BUFFERS / 2) return;
  first_starved = c->next_starved;
  c->starved = false;
  arm_receive(c);
}

static void drop_first(struct connection *c) {
  uint16_t buffer = c->first;
  c->first = next_buffer[buffer];
  give_back(buffer);
}

static void end_if_idle(struct connection *c) {
  if (!c->ended || c->receiving || c->sending || c->starved) return;
  while (c->first != NO_BUFFER) drop_first(c);
  close(c->fd);
  free(c);
}

static void on_accept(const struct io_uring_cqe *cqe) {
  if (cqe->res >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) fail("calloc", ENOMEM);
    c->fd = cqe->res;
    c->first = c->last = NO_BUFFER;
    arm_receive(c);
  }
  if ((cqe->flags & IORING_CQE_F_MORE) == 0) arm_accept();
}

static void keep(struct connection *c, uint16_t buffer, uint32_t length) {
  free_buffers--;
  buffer_length[buffer] = length;
  next_buffer[buffer] = NO_BUFFER;
  if (c->first == NO_BUFFER) {
    c->first = buffer;
  } else {
    next_buffer[c->last] = buffer;
  }
  c->last = buffer;
}

static void on_receive(struct connection *c, const struct io_uring_cqe *cqe) {
  c->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
  if (cqe->res > 0) {
    keep(c, (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT), (uint32_t)cqe->res);
    if (!c->sending) arm_send(c);
    if (!c->receiving) arm_receive(c);
  } else if (cqe->res == -ENOBUFS) {
    c->starved = true;
    c->next_starved = NULL;
    if (first_starved == NULL) {
      first_starved = c;
    } else {
      last_starved->next_starved = c;
    }
    last_starved = c;
  } else if (!c->receiving) {
    c->ended = true;
    end_if_idle(c);
  }
}

static void on_send(struct connection *c, const struct io_uring_cqe *cqe) {
  c->sending = false;
  size_t total = 0;
  for (uint16_t i = 0; i < c->in_flight; i++) total += c->pieces[i].iov_len;
  if (cqe->res != (int)total) {
    /* With MSG_WAITALL a short send means that the connection is broken. */
    c->ended = true;
    shutdown(c->fd, SHUT_RDWR);
  } else {
    for (uint16_t i = 0; i < c->in_flight; i++) drop_first(c);
    if (c->first != NO_BUFFER) arm_send(c);
  }
  end_if_idle(c);
}

static void set_up(void) {
  struct io_uring_params params = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
               IORING_SETUP_SUBMIT_ALL,
      .cq_entries = COMPLETIONS};
  int outcome = io_uring_queue_init_params(ENTRIES, &ring, &params);
  if (outcome < 0) fail("io_uring_queue_init_params", -outcome);
  size_t ring_bytes = BUFFERS * sizeof(struct io_uring_buf);
  int protection = PROT_READ | PROT_WRITE;
  int flags = MAP_ANONYMOUS | MAP_PRIVATE;
  buffer_ring = mmap(NULL, ring_bytes, protection, flags, -1, 0);
  buffers = mmap(NULL, (size_t)BUFFERS * BUFFER_BYTES, protection, flags, -1, 0);
  if (buffer_ring == MAP_FAILED || buffers == MAP_FAILED) fail("mmap", errno);
  struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)buffer_ring,
                                          .ring_entries = BUFFERS,
                                          .bgid = BUFFER_GROUP};
  outcome = io_uring_register_buf_ring(&ring, &registration, 0);
  if (outcome < 0) fail("io_uring_register_buf_ring", -outcome);
  io_uring_buf_ring_init(buffer_ring);
  for (uint16_t i = 0; i < BUFFERS; i++) give_back(i);
}

static void serve(void) {
  set_up();
  arm_accept();
  for (;;) {
    int outcome = io_uring_submit_and_wait(&ring, 1);
    if (outcome < 0 && outcome != -EINTR) fail("io_uring_submit_and_wait", -outcome);
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      count++;
      uint64_t data = io_uring_cqe_get_data64(cqe);
      struct connection *c = (struct connection *)(uintptr_t)(data & ~(uint64_t)OPERATION_MASK);
      switch ((enum operation)(data & OPERATION_MASK)) {
        case ACCEPT: on_accept(cqe); break;
        case RECEIVE: on_receive(c, cqe); break;
        case SEND: on_send(c, cqe); break;
      }
    }
    io_uring_cq_advance(&ring, count);
  }
}

static void listen_tcp(const char *port) {
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(port)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket", errno);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Accepted sockets inherit it, which saves a call for every connection. */
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind", errno);
}

static void listen_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket", errno);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind", errno);
}

int main(int argc, char **argv) {
  if (argc != 3 || (strcmp(argv[1], "tcp") != 0 && strcmp(argv[1], "unix") != 0)) {
    fputs("usage: echo tcp PORT | echo unix PATH\n", stderr);
    return 2;
  }
  if (argv[1][0] == 't') {
    listen_tcp(argv[2]);
  } else {
    listen_unix(argv[2]);
  }
  if (listen(listener, BACKLOG) != 0) fail("listen", errno);
  serve();
}
