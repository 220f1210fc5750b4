/*
 * An echo server in C over epoll: the floor that every figure is compared with.
 *
 * usage: echo tcp PORT | echo unix PATH | echo udp PORT | echo frames PORT
 *
 * Level-triggered, one receive per event into one shared 64 KiB buffer and an immediate send,
 * which is the least number of system calls. What the socket does not take is kept for the
 * connection, and nothing more is read from it until that is gone. With frames, each begins with
 * its length in 4 bytes, big-endian, and only whole ones are sent back.
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
#include <sys/un.h>
#include <unistd.h>

#define RECEIVE_BYTES 65536
#define EVENTS_MAX 256
#define ACCEPTS_PER_EVENT 64
#define DATAGRAMS_PER_CALL 64
#define BACKLOG 4096
#define FRAME_HEADER_BYTES 4
/* The kernel lowers it to net.core.rmem_max: a burst of small datagrams needs the room. */
#define DATAGRAM_SOCKET_BYTES (4 * 1024 * 1024)

struct connection {
  int fd;
  size_t kept_length; /* bytes received but not yet taken by the socket */
  size_t kept_start;
  uint8_t *kept; /* RECEIVE_BYTES long, allocated at the first short send */
  size_t partial_length; /* bytes of a frame that is not whole yet */
  uint8_t *partial;      /* RECEIVE_BYTES long, allocated at the first cut frame */
};

static uint8_t received[RECEIVE_BYTES];
static bool framed;
static int epoll;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epoll, operation, c->fd, &event) != 0) fail("epoll_ctl");
}

static void drop(struct connection *c) {
  close(c->fd);
  free(c->kept);
  free(c->partial);
  free(c);
}

/* 1: all sent, 0: the socket is full, -1: the connection is gone. */
static int send_all(struct connection *c, const uint8_t *bytes, size_t *length) {
  size_t done = 0;
  while (done < *length) {
    ssize_t sent = send(c->fd, bytes + done, *length - done, MSG_NOSIGNAL);
    if (sent >= 0) {
      done += (size_t)sent;
    } else if (errno != EINTR) {
      *length = done;
      return errno == EAGAIN ? 0 : -1;
    }
  }
  return 1;
}

/* How many of the bytes are whole frames; -1 when a frame is larger than the buffer. */
static ssize_t whole_frames(const uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (length - at >= FRAME_HEADER_BYTES) {
    const uint8_t *header = bytes + at;
    size_t payload = (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 |
                     (size_t)header[3];
    if (payload > RECEIVE_BYTES - FRAME_HEADER_BYTES) return -1;
    if (length - at < FRAME_HEADER_BYTES + payload) break;
    at += FRAME_HEADER_BYTES + payload;
  }
  return (ssize_t)at;
}

/* Receives behind what is there of a cut frame, and keeps what is cut now. */
static ssize_t receive_frames(struct connection *c) {
  size_t before = c->partial_length;
  if (before > 0) memcpy(received, c->partial, before);
  ssize_t length = recv(c->fd, received + before, sizeof received - before, 0);
  if (length <= 0) return length;
  size_t total = before + (size_t)length;
  ssize_t whole = whole_frames(received, total);
  if (whole < 0) return 0;
  c->partial_length = total - (size_t)whole;
  if (c->partial_length > 0) {
    if (c->partial == NULL && (c->partial = malloc(RECEIVE_BYTES)) == NULL) fail("malloc");
    memcpy(c->partial, received + whole, c->partial_length);
  }
  if (whole > 0) return whole;
  errno = EAGAIN;
  return -1;
}

static void on_readable(struct connection *c) {
  ssize_t length = framed ? receive_frames(c) : recv(c->fd, received, sizeof received, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    drop(c);
    return;
  }
  size_t sent = (size_t)length;
  int outcome = send_all(c, received, &sent);
  if (outcome < 0) drop(c);
  if (outcome != 0) return;
  if (c->kept == NULL && (c->kept = malloc(RECEIVE_BYTES)) == NULL) fail("malloc");
  c->kept_start = 0;
  c->kept_length = (size_t)length - sent;
  memcpy(c->kept, received + sent, c->kept_length);
  watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

static void on_writable(struct connection *c) {
  size_t sent = c->kept_length;
  int outcome = send_all(c, c->kept + c->kept_start, &sent);
  if (outcome < 0) {
    drop(c);
  } else if (outcome == 1) {
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
  } else {
    c->kept_start += sent;
    c->kept_length -= sent;
  }
}

static void on_connect(struct connection *listener) {
  for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) fail("calloc");
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static void serve_streams(int fd) {
  struct connection listener = {.fd = fd};
  struct epoll_event events[EVENTS_MAX];
  if (listen(fd, BACKLOG) != 0) fail("listen");
  watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &listener) {
        on_connect(c);
      } else if (events[i].events & EPOLLOUT) {
        on_writable(c);
      } else {
        on_readable(c);
      }
    }
  }
}

/* Waits in recvmmsg itself: with a single socket an epoll would only add a call. */
static void serve_datagrams(int fd) {
  static uint8_t buffers[DATAGRAMS_PER_CALL][RECEIVE_BYTES];
  static struct sockaddr_in peers[DATAGRAMS_PER_CALL];
  struct iovec vectors[DATAGRAMS_PER_CALL];
  struct mmsghdr messages[DATAGRAMS_PER_CALL];
  for (;;) {
    for (int i = 0; i < DATAGRAMS_PER_CALL; i++) {
      vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = RECEIVE_BYTES};
      messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &peers[i],
                                                 .msg_namelen = sizeof peers[i],
                                                 .msg_iov = &vectors[i],
                                                 .msg_iovlen = 1}};
    }
    int count = recvmmsg(fd, messages, DATAGRAMS_PER_CALL, MSG_WAITFORONE, NULL);
    if (count < 0 && errno != EINTR) fail("recvmmsg");
    for (int i = 0; i < count; i++) vectors[i].iov_len = messages[i].msg_len;
    for (int done = 0; done < count;) {
      int sent = sendmmsg(fd, messages + done, (unsigned)(count - done), 0);
      done += sent > 0 ? sent : 1; /* a datagram that cannot be sent is skipped, as UDP does */
    }
  }
}

static int bind_internet(int type, const char *port) {
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(port)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Accepted sockets inherit it, which saves a call for every connection. */
  if ((type & SOCK_STREAM) == SOCK_STREAM) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if ((type & SOCK_DGRAM) == SOCK_DGRAM) {
    int bytes = DATAGRAM_SOCKET_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

static int bind_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: echo tcp PORT | echo unix PATH | echo udp PORT | echo frames PORT\n", stderr);
    return 2;
  }
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll_create1");
  framed = strcmp(argv[1], "frames") == 0;
  if (strcmp(argv[1], "udp") == 0) serve_datagrams(bind_internet(SOCK_DGRAM, argv[2]));
  serve_streams(strcmp(argv[1], "unix") == 0
                    ? bind_unix(argv[2])
                    : bind_internet(SOCK_STREAM | SOCK_NONBLOCK, argv[2]));
}
