/*
 * A server in C over epoll for the loads of WebSockets: what the kernel takes, and next to nothing else.
 *
 * usage: floor PORT
 *
 * Not a server for anybody else: it knows the one key of those loads, messages of at most 125 bytes in
 * one frame, and peers that take what they are sent. One receive for each event, one send for each
 * message and connection. Echoes; under /fan, sends to everybody there when all events are handled.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 512
#define BACKLOG 4096
#define RECEIVED_MAX 4096
#define CONNECTIONS_MAX 20000
#define PAYLOAD_MAX 125
#define HEADER_BYTES 2
#define MASK_BYTES 4

static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: BACScCJPNqyz+UBoqMH89VmURoA=\r\n\r\n";

struct connection {
  int fd;
  bool upgraded;
  int place; /* among those who get everything, or -1 */
  size_t length;
  uint8_t received[RECEIVED_MAX + 1];
};

static int epoll;
static struct connection *fans[CONNECTIONS_MAX];
static int fan_count;
static uint8_t message[HEADER_BYTES + PAYLOAD_MAX];
static size_t message_length; /* 0: nothing is to be sent to everybody */

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void send_all(const struct connection *c, const void *bytes, size_t length) {
  if (send(c->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length &&
      errno != EPIPE && errno != ECONNRESET) {
    fail("send");
  }
}

static void send_to_everybody(void) {
  for (int i = 0; i < fan_count; i++) send_all(fans[i], message, message_length);
  message_length = 0;
}

static void drop(struct connection *c) {
  if (c->place >= 0) {
    fans[c->place] = fans[--fan_count];
    fans[c->place]->place = c->place;
  }
  close(c->fd);
  free(c);
}

static void consume(struct connection *c, size_t count) {
  c->length -= count;
  memmove(c->received, c->received + count, c->length);
}

static bool upgrade(struct connection *c) {
  c->received[c->length] = 0;
  const char *end = strstr((const char *)c->received, "\r\n\r\n");
  if (end == NULL) return false;
  c->upgraded = true;
  if (strncmp((const char *)c->received, "GET /fan ", 9) == 0 && fan_count < CONNECTIONS_MAX) {
    c->place = fan_count;
    fans[fan_count++] = c;
  }
  send_all(c, answer, sizeof answer - 1);
  consume(c, (size_t)(end + 4 - (const char *)c->received));
  return true;
}

/* Whether a whole message was there. The answer takes the place of the end of its mask. */
static bool take_message(struct connection *c) {
  size_t length = c->received[1] & 0x7F;
  size_t whole = HEADER_BYTES + MASK_BYTES + length;
  if (c->length < HEADER_BYTES + MASK_BYTES || c->length < whole) return false;
  const uint8_t *mask = c->received + HEADER_BYTES;
  uint8_t *payload = c->received + HEADER_BYTES + MASK_BYTES;
  for (size_t i = 0; i < length; i++) payload[i] ^= mask[i % MASK_BYTES];
  uint8_t *frame = payload - HEADER_BYTES;
  frame[0] = c->received[0];
  frame[1] = (uint8_t)length;
  if (c->place < 0) {
    send_all(c, frame, HEADER_BYTES + length);
  } else {
    if (message_length > 0) send_to_everybody();
    message_length = HEADER_BYTES + length;
    memcpy(message, frame, message_length);
  }
  consume(c, whole);
  return true;
}

static void receive(struct connection *c) {
  ssize_t count = recv(c->fd, c->received + c->length, RECEIVED_MAX - c->length, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    drop(c);
    return;
  }
  c->length += (size_t)count;
  if (!c->upgraded && !upgrade(c)) return;
  while (c->length > 0 && take_message(c)) continue;
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) fail("calloc");
    c->fd = fd;
    c->place = -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: floor PORT\n", stderr);
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  /* What it accepts inherits both. */
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, BACKLOG) != 0) fail("listen");
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll");
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == NULL) accept_all(listener);
      else receive(c);
    }
    if (message_length > 0) send_to_everybody();
  }
}
