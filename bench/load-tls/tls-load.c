/*
 * Load for an echo server with TLS: as echo-load, with the same options. One thread, one epoll, closed
 * loop. TLS_LOAD_RESUME=1 resumes sessions with --reconnect.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../load/measurement.h"
#include "../load/options.h"
#include "../load/pattern.h"
#include "../load/source.h"

#define EVENTS_MAX 256
#define RECEIVE_BYTES (64u * 1024u)

struct connection {
  int fd; /* -1 between connections */
  SSL *ssl;
  bool waits_for_room;
  size_t start;    /* of its message in the pattern */
  size_t sent;     /* of the message that is under way */
  size_t received; /* of its echo */
  uint64_t began;
};

struct load {
  struct measurement *m;
  const struct options *options;
  SSL_CTX *context;
  SSL_SESSION *session; /* the newest one */
  bool resumes;
  int epoll;
  uint32_t open;
  uint64_t opened; /* connections so far */
  uint8_t *buffer;
};

static struct load load;

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (load.session != NULL) SSL_SESSION_free(load.session);
  load.session = session;
  return 1;
}

static void close_connection(struct connection *c) {
  SSL_free(c->ssl);
  close(c->fd);
  c->fd = -1;
  load.open--;
}

static void give_up(struct connection *c, const char *what) {
  measurement_error(load.m, "connection %llu: %s", (unsigned long long)load.opened, what);
  close_connection(c);
}

static void begin_message(struct connection *c) {
  c->sent = 0;
  c->received = 0;
  c->began = now_nanoseconds();
}

static void watch(struct connection *c, bool waits_for_room, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (waits_for_room ? EPOLLOUT : 0), .data.ptr = c};
  c->waits_for_room = waits_for_room;
  epoll_ctl(load.epoll, operation, c->fd, &event);
}

static bool open_connection(struct connection *c) {
  int on = 1;
  uint64_t turn = load.opened++;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  c->ssl = SSL_new(load.context);
  c->start = pattern_start((uint32_t)turn);
  begin_message(c);
  load.open++;
  if (c->fd < 0 || source_bind(c->fd, turn) != 0 ||
      connect(c->fd, (const struct sockaddr *)&load.options->address,
              load.options->address_length) != 0) {
    give_up(c, strerror(errno));
    return false;
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_connect_state(c->ssl);
  if (load.resumes && load.session != NULL) SSL_set_session(c->ssl, load.session);
  watch(c, true, EPOLL_CTL_ADD);
  return true;
}

/* What is left of the message, as far as it goes; false when the connection is lost. */
static bool send_message(struct connection *c, bool *full) {
  size_t size = load.options->size;
  while (c->sent < size) {
    size_t at = pattern_advance(c->start, c->sent);
    size_t left = size - c->sent < PATTERN_SPAN ? size - c->sent : PATTERN_SPAN;
    int count = SSL_write(c->ssl, pattern_table + at, (int)left);
    if (count <= 0) {
      int error = SSL_get_error(c->ssl, count);
      *full = error == SSL_ERROR_WANT_WRITE;
      return *full || error == SSL_ERROR_WANT_READ;
    }
    c->sent += (size_t)count;
  }
  return true;
}

/* The echo is whole. */
static void replied(struct connection *c) {
  measurement_reply(load.m, now_nanoseconds() - c->began);
  bool goes_on = load.m->phase < PHASE_DRAINING && load.m->errors == 0;
  if (load.options->reconnect) {
    SSL_shutdown(c->ssl);
    close_connection(c);
    if (goes_on) open_connection(c);
  } else if (goes_on) {
    begin_message(c);
  } else {
    close_connection(c);
  }
}

/* 1 for a whole echo, 0 for more to come, -1 when the connection is lost. */
static int receive_echo(struct connection *c) {
  size_t size = load.options->size;
  while (c->received < size) {
    int count = SSL_read(c->ssl, load.buffer, RECEIVE_BYTES);
    if (count <= 0) {
      int error = SSL_get_error(c->ssl, count);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    size_t at = pattern_advance(c->start, c->received);
    if ((size_t)count > size - c->received ||
        memcmp(load.buffer, pattern_table + at, (size_t)count) != 0) {
      return -1;
    }
    c->received += (size_t)count;
    measurement_received(load.m, (uint64_t)count);
  }
  return 1;
}

static void advance(struct connection *c) {
  for (;;) {
    bool full = false;
    ERR_clear_error();
    if (!send_message(c, &full)) {
      give_up(c, "sending failed");
      return;
    }
    int result = receive_echo(c);
    if (result < 0) {
      give_up(c, "wrong bytes, or an end");
      return;
    }
    if (result == 0) {
      if (full != c->waits_for_room) watch(c, full, EPOLL_CTL_MOD);
      return;
    }
    replied(c);
    if (c->fd < 0 || load.options->reconnect) return;
  }
}

static int hold(struct connection *connections) {
  char byte;
  for (uint32_t i = 0; i < load.options->connections; i++) {
    struct connection *c = &connections[i];
    if (!open_connection(c)) return 1;
    fcntl(c->fd, F_SETFL, 0);
    bool full = false;
    if (!send_message(c, &full) || receive_echo(c) != 1) return 1;
  }
  puts("held");
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  return 0;
}

int main(int argc, char **argv) {
  static struct options options;
  static struct measurement measurement;
  struct epoll_event events[EVENTS_MAX];
  options_parse(&options, argc, argv);
  pattern_init();
  measurement_prepare(&measurement, &options);
  load.m = &measurement;
  load.options = &options;
  load.resumes = getenv("TLS_LOAD_RESUME") != NULL;
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  load.buffer = malloc(RECEIVE_BYTES);
  load.context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(load.context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(load.context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(load.context, keep_session);
  struct connection *connections = calloc(options.connections, sizeof *connections);
  if (connections == NULL || load.buffer == NULL || load.context == NULL) abort();
  if (options.hold) return hold(connections);
  measurement_start(&measurement);
  for (uint32_t i = 0; i < options.connections; i++) open_connection(&connections[i]);
  while (measurement.phase != PHASE_OVER && load.open > 0) {
    int count = epoll_wait(load.epoll, events, EVENTS_MAX,
                           measurement_timeout(&measurement, now_nanoseconds()));
    measurement_turn(&measurement, now_nanoseconds());
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c->fd >= 0) advance(c);
    }
  }
  for (uint32_t i = 0; i < options.connections; i++) {
    if (connections[i].fd >= 0) give_up(&connections[i], "a reply is missing after the drain");
  }
  measurement_print(&measurement);
  return measurement.errors == 0 ? 0 : 1;
}
