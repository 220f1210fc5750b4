#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pattern.h"
#include "schedule.h"

#define LENGTH_FIELD_BYTES 4
#define HEADER_BYTES_MAX 6
#define RECEIVE_BUFFER_BYTES (256u * 1024u)
/* One send gathers at most this much: more than socket buffers take only costs preparation. */
#define SEND_BYTES_MAX (512u * 1024u)
#define SEND_PIECES_MAX 64
#define EVENTS_MAX 512

/* What stands before every payload: requests of WebSockets have a mask, of zeros. */
struct frame {
  uint8_t header[HEADER_BYTES_MAX];
  size_t header_bytes;
  size_t frame_bytes;
};

/* A place in the stream of frames that one connection sends, or that it expects back. */
struct cursor {
  const struct frame *frame;
  size_t in_frame; /* bytes of the current frame before this place */
  size_t pattern;  /* where in the pattern the next byte of payload comes from */
};

struct connection {
  int fd;
  uint32_t index;
  bool waits_for_room; /* the socket took less than was offered */
  struct cursor sent;
  struct cursor received;
  uint64_t due;       /* frames that the schedule asks for and that are not started */
  uint64_t started;   /* frames of which a byte was sent */
  uint64_t completed; /* frames that came back whole */
  uint64_t *start_times; /* of the frames in flight, by frame number modulo the pipeline */
};

struct stream_load {
  struct measurement *m;
  int epoll;
  uint32_t open;
  struct schedule schedule;
  struct frame request;
  struct frame reply;
  struct connection *connections;
  uint8_t *receive_buffer;
};

struct piece {
  const uint8_t *bytes;
  size_t length;
};

/* The next bytes of the stream, at most `limit` and in one piece; moves the cursor past them. */
static struct piece cursor_next(struct cursor *at, size_t limit) {
  const struct frame *frame = at->frame;
  struct piece piece;
  size_t left;
  if (at->in_frame < frame->header_bytes) {
    piece.bytes = frame->header + at->in_frame;
    left = frame->header_bytes - at->in_frame;
  } else {
    piece.bytes = pattern_table + at->pattern;
    left = frame->frame_bytes - at->in_frame;
    if (left > PATTERN_SPAN) left = PATTERN_SPAN;
  }
  piece.length = left < limit ? left : limit;
  if (at->in_frame >= frame->header_bytes) {
    at->pattern = pattern_advance(at->pattern, piece.length);
  }
  at->in_frame += piece.length;
  if (at->in_frame == frame->frame_bytes) at->in_frame = 0;
  return piece;
}

static void close_connection(struct stream_load *load, struct connection *c) {
  close(c->fd);
  c->fd = -1;
  load->open--;
}

/* Collects what may be sent now; returns the number of pieces. */
static int gather(const struct stream_load *load, const struct connection *c,
                  struct iovec *pieces) {
  const struct options *options = load->m->options;
  struct cursor at = c->sent;
  uint64_t in_flight = c->started - c->completed;
  uint64_t may_start = load->m->phase < PHASE_DRAINING ? options->pipeline - in_flight : 0;
  if (options->rate > 0 && may_start > c->due) may_start = c->due;
  size_t total = 0;
  int count = 0;
  while (total < SEND_BYTES_MAX) {
    if (at.in_frame == 0 && may_start-- == 0) break;
    struct piece piece = cursor_next(&at, SEND_BYTES_MAX - total);
    struct iovec *last = count > 0 ? &pieces[count - 1] : NULL;
    if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == piece.bytes) {
      last->iov_len += piece.length;
    } else if (count == SEND_PIECES_MAX) {
      break;
    } else {
      pieces[count++] =
          (struct iovec){.iov_base = (void *)(uintptr_t)piece.bytes, .iov_len = piece.length};
    }
    total += piece.length;
  }
  return count;
}

/* A frame begins when its first byte is sent; one of a schedule, when it was due. */
static void note_started(const struct stream_load *load, struct connection *c, uint64_t now) {
  const struct options *options = load->m->options;
  uint64_t begin = now;
  if (options->rate > 0) {
    begin = schedule_time(&load->schedule, c->index + c->started * options->connections);
    c->due--;
  }
  c->start_times[c->started++ % options->pipeline] = begin;
}

static void note_sent(const struct stream_load *load, struct connection *c, size_t bytes,
                      uint64_t now) {
  while (bytes > 0) {
    if (c->sent.in_frame == 0) note_started(load, c, now);
    bytes -= cursor_next(&c->sent, bytes).length;
  }
}

static void watch(struct stream_load *load, struct connection *c, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (c->waits_for_room ? EPOLLOUT : 0),
                              .data.ptr = c};
  if (epoll_ctl(load->epoll, operation, c->fd, &event) != 0) {
    measurement_error(load->m, "epoll_ctl: %s", strerror(errno));
    close_connection(load, c);
  }
}

/* One piece goes out by send: sendmsg has to read its structures from here first. */
static ssize_t send_pieces(int fd, struct iovec *pieces, int count) {
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (count == 1) return send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
  return sendmsg(fd, &message, flags);
}

static void send_frames(struct stream_load *load, struct connection *c) {
  struct iovec pieces[SEND_PIECES_MAX];
  bool full = false;
  while (!full) {
    int count = gather(load, c, pieces);
    if (count == 0) break;
    size_t offered = 0;
    for (int i = 0; i < count; i++) offered += pieces[i].iov_len;
    uint64_t now = now_nanoseconds();
    ssize_t sent = send_pieces(c->fd, pieces, count);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      measurement_error(load->m, "connection %u: send: %s", c->index, strerror(errno));
      close_connection(load, c);
      return;
    }
    full = sent < (ssize_t)offered;
    if (sent > 0) note_sent(load, c, (size_t)sent, now);
  }
  if (full == c->waits_for_room) return;
  c->waits_for_room = full;
  watch(load, c, EPOLL_CTL_MOD);
}

/* Checks received bytes against the pattern; false when a byte is wrong or too many. */
static bool accept_reply(struct stream_load *load, struct connection *c, size_t length) {
  uint32_t pipeline = load->m->options->pipeline;
  const uint8_t *bytes = load->receive_buffer;
  uint64_t now = now_nanoseconds();
  measurement_received(load->m, length);
  while (length > 0) {
    if (c->completed == c->started) {
      measurement_error(load->m, "connection %u: the server sent %zu bytes too many", c->index,
                        length);
      return false;
    }
    struct piece expected = cursor_next(&c->received, length);
    if (memcmp(bytes, expected.bytes, expected.length) != 0) {
      measurement_error(load->m, "connection %u: wrong bytes in reply %llu", c->index,
                        (unsigned long long)c->completed);
      return false;
    }
    bytes += expected.length;
    length -= expected.length;
    if (c->received.in_frame == 0) {
      measurement_reply(load->m, now - c->start_times[c->completed++ % pipeline]);
    }
  }
  return true;
}

static void receive_replies(struct stream_load *load, struct connection *c) {
  ssize_t length;
  do {
    length = recv(c->fd, load->receive_buffer, RECEIVE_BUFFER_BYTES, MSG_DONTWAIT);
    if (length > 0 && !accept_reply(load, c, (size_t)length)) {
      close_connection(load, c);
      return;
    }
  } while (length == (ssize_t)RECEIVE_BUFFER_BYTES);
  if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR))) return;
  measurement_error(load->m, "connection %u: %s", c->index,
                    length == 0 ? "closed by the server" : strerror(errno));
  close_connection(load, c);
}

/* Waits for the answer to its request; false when it is another one. */
static bool upgrade(int fd) {
  static const char request[] =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
  char answer[1024];
  size_t length = 0;
  if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof request - 1)) {
    return false;
  }
  while (length < sizeof answer - 1) {
    ssize_t count = recv(fd, answer + length, sizeof answer - 1 - length, 0);
    if (count <= 0) return false;
    length += (size_t)count;
    answer[length] = '\0';
    if (strstr(answer, "\r\n\r\n") != NULL) return strncmp(answer, "HTTP/1.1 101 ", 13) == 0;
  }
  return false;
}

static void open_connection(struct stream_load *load, struct connection *c) {
  const struct options *options = load->m->options;
  int family = options->protocol == PROTOCOL_UNIX ? AF_UNIX : AF_INET;
  c->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0 ||
      connect(c->fd, (const struct sockaddr *)&options->address, options->address_length) != 0) {
    measurement_error(load->m, "connection %u: connect: %s", c->index, strerror(errno));
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    return;
  }
  load->open++;
  int on = 1;
  if (family == AF_INET) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options->websocket && !upgrade(c->fd)) {
    measurement_error(load->m, "connection %u: no WebSocket", c->index);
    close_connection(load, c);
    return;
  }
  watch(load, c, EPOLL_CTL_ADD);
}

static void open_all(struct stream_load *load) {
  const struct options *options = load->m->options;
  uint64_t *times = calloc((size_t)options->connections * options->pipeline, sizeof *times);
  load->connections = calloc(options->connections, sizeof *load->connections);
  load->receive_buffer = malloc(RECEIVE_BUFFER_BYTES);
  if (times == NULL || load->connections == NULL || load->receive_buffer == NULL) abort();
  for (uint32_t i = 0; i < options->connections; i++) {
    struct connection *c = &load->connections[i];
    c->index = i;
    c->start_times = times + (size_t)i * options->pipeline;
    c->sent = (struct cursor){.frame = &load->request, .pattern = pattern_start(i)};
    c->received = (struct cursor){.frame = &load->reply, .pattern = pattern_start(i)};
    open_connection(load, c);
  }
}

static bool all_replied(const struct stream_load *load) {
  for (uint32_t i = 0; i < load->m->options->connections; i++) {
    const struct connection *c = &load->connections[i];
    if (c->fd >= 0 && c->completed != c->started) return false;
  }
  return true;
}

/* What the schedule asks for by now: one message for each connection in turn. */
static void send_due(struct stream_load *load) {
  uint64_t now = now_nanoseconds();
  uint32_t connections = load->m->options->connections;
  while (schedule_time(&load->schedule, load->schedule.turn) <= now) {
    struct connection *c = &load->connections[load->schedule.turn++ % connections];
    c->due++;
    if (c->fd >= 0) send_frames(load, c);
  }
}

static int wait_for_events(struct stream_load *load, struct epoll_event *events) {
  struct measurement *m = load->m;
  uint64_t now = now_nanoseconds();
  if (m->options->rate == 0 || m->phase >= PHASE_DRAINING) {
    return epoll_wait(load->epoll, events, EVENTS_MAX, measurement_timeout(m, now));
  }
  return schedule_wait(&load->schedule, load->epoll, events, EVENTS_MAX, m->phase_end);
}

static void run_loop(struct stream_load *load) {
  struct measurement *m = load->m;
  struct epoll_event events[EVENTS_MAX];
  while (m->phase != PHASE_OVER && load->open > 0) {
    int count = wait_for_events(load, events);
    measurement_turn(m, now_nanoseconds());
    if (m->options->rate > 0 && m->phase < PHASE_DRAINING) send_due(load);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive_replies(load, c);
      if (c->fd >= 0) send_frames(load, c);
    }
    if (m->phase == PHASE_DRAINING && all_replied(load)) m->phase = PHASE_OVER;
  }
}

static void set_frames(struct stream_load *load) {
  const struct options *options = load->m->options;
  uint32_t size = (uint32_t)options->size;
  struct frame *request = &load->request;
  if (options->websocket) {
    /* Binary messages, in one frame each. */
    *request = (struct frame){.header = {0x82, (uint8_t)(0x80 | size)}, .header_bytes = 6};
    load->reply = (struct frame){.header = {0x82, (uint8_t)size}, .header_bytes = 2};
  } else if (options->length_field) {
    for (int i = 0; i < LENGTH_FIELD_BYTES; i++) {
      request->header[i] = (uint8_t)(size >> (24 - 8 * i));
    }
    request->header_bytes = LENGTH_FIELD_BYTES;
    load->reply = *request;
  }
  request->frame_bytes = request->header_bytes + options->size;
  load->reply.frame_bytes = load->reply.header_bytes + options->size;
}

void stream_run(struct measurement *m) {
  struct stream_load load = {.m = m, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  set_frames(&load);
  open_all(&load);
  measurement_start(m);
  if (m->options->rate > 0) schedule_start(&load.schedule, m->options->rate);
  for (uint32_t i = 0; i < m->options->connections; i++) {
    if (load.connections[i].fd >= 0) send_frames(&load, &load.connections[i]);
  }
  run_loop(&load);
  for (uint32_t i = 0; i < m->options->connections; i++) {
    struct connection *c = &load.connections[i];
    if (c->fd < 0) continue;
    if (c->completed != c->started) {
      measurement_error(m, "connection %u: a reply is missing after the drain", c->index);
    }
    close_connection(&load, c);
  }
  free(load.connections[0].start_times);
  free(load.connections);
  free(load.receive_buffer);
  close(load.epoll);
}
