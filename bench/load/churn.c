#include "churn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"
#include "source.h"

#define EVENTS_MAX 256
#define RECEIVE_BYTES 65536

/* A place for one connection after another. */
struct slot {
  int fd; /* -1 between connections */
  bool connected;
  uint64_t opened_at;
  size_t start; /* of its message in the pattern */
  size_t received;
};

struct churn_load {
  struct measurement *m;
  int epoll;
  uint32_t open;
  uint64_t opened; /* connections so far */
  struct slot *slots;
};

static void end_connection(struct churn_load *load, struct slot *slot) {
  close(slot->fd);
  slot->fd = -1;
  load->open--;
}

static void give_up(struct churn_load *load, struct slot *slot, const char *what) {
  measurement_error(load->m, "connection %llu: %s", (unsigned long long)load->opened, what);
  end_connection(load, slot);
}

static void open_next(struct churn_load *load, struct slot *slot) {
  const struct options *options = load->m->options;
  int on = 1;
  uint64_t turn = load->opened++;
  slot->opened_at = now_nanoseconds();
  slot->start = pattern_start((uint32_t)turn);
  slot->received = 0;
  slot->connected = false;
  slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (slot->fd < 0) {
    measurement_error(load->m, "socket: %s", strerror(errno));
    return;
  }
  load->open++;
  setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = slot};
  if (source_bind(slot->fd, turn) != 0 ||
      (connect(slot->fd, (const struct sockaddr *)&options->address, options->address_length) !=
           0 &&
       errno != EINPROGRESS) ||
      epoll_ctl(load->epoll, EPOLL_CTL_ADD, slot->fd, &event) != 0) {
    give_up(load, slot, strerror(errno));
  }
}

static void on_connected(struct churn_load *load, struct slot *slot) {
  int failure = 0;
  socklen_t length = sizeof failure;
  size_t size = load->m->options->size;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = slot};
  getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &failure, &length);
  if (failure != 0) {
    give_up(load, slot, strerror(failure));
  } else if (send(slot->fd, pattern_table + slot->start, size, MSG_NOSIGNAL) != (ssize_t)size ||
             epoll_ctl(load->epoll, EPOLL_CTL_MOD, slot->fd, &event) != 0) {
    give_up(load, slot, "its message could not be sent");
  } else {
    slot->connected = true;
  }
}

static void on_reply(struct churn_load *load, struct slot *slot) {
  uint8_t bytes[RECEIVE_BYTES];
  size_t size = load->m->options->size;
  ssize_t length = recv(slot->fd, bytes, sizeof bytes, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    give_up(load, slot, length == 0 ? "closed by the server" : strerror(errno));
  } else if ((size_t)length > size - slot->received ||
             memcmp(bytes, pattern_table + slot->start + slot->received, (size_t)length) != 0) {
    give_up(load, slot, "wrong bytes in the reply");
  } else {
    slot->received += (size_t)length;
    measurement_received(load->m, (uint64_t)length);
    if (slot->received < size) return;
    measurement_reply(load->m, now_nanoseconds() - slot->opened_at);
    end_connection(load, slot);
  }
  if (load->m->phase < PHASE_DRAINING && load->m->errors == 0) open_next(load, slot);
}

void churn_run(struct measurement *m) {
  struct churn_load load = {.m = m, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  struct epoll_event events[EVENTS_MAX];
  load.slots = calloc(m->options->connections, sizeof *load.slots);
  if (load.slots == NULL) abort();
  measurement_start(m);
  for (uint32_t i = 0; i < m->options->connections; i++) open_next(&load, &load.slots[i]);
  while (m->phase != PHASE_OVER && load.open > 0) {
    int count =
        epoll_wait(load.epoll, events, EVENTS_MAX, measurement_timeout(m, now_nanoseconds()));
    measurement_turn(m, now_nanoseconds());
    for (int i = 0; i < count; i++) {
      struct slot *slot = events[i].data.ptr;
      if (slot->connected) {
        on_reply(&load, slot);
      } else {
        on_connected(&load, slot);
      }
    }
  }
  for (uint32_t i = 0; i < m->options->connections; i++) {
    if (load.slots[i].fd >= 0) give_up(&load, &load.slots[i], "a reply is missing after the drain");
  }
  free(load.slots);
  close(load.epoll);
}
