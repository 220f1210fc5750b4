/*
 * An echo server with TLS: one thread, level-triggered epoll, OpenSSL on the sockets themselves.
 *
 * usage: c-openssl-echo PORT CERT KEY
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define BUFFER_BYTES (64u * 1024u)
/* A connection that can go on for ever leaves the thread to others after so many reads. */
#define READS_PER_TURN 16

struct connection {
  int fd;
  SSL *ssl;
  uint8_t *unsent; /* NULL when everything is out */
  size_t unsent_length;
  size_t unsent_done;
};

static int epoll;
static uint8_t buffer[BUFFER_BYTES];

static void close_connection(struct connection *c) {
  SSL_free(c->ssl);
  close(c->fd);
  free(c->unsent);
  free(c);
}

static void watch(struct connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* 1: done; 0: waits; -1: over. */
static int write_some(struct connection *c, const uint8_t *bytes, size_t length, size_t *done) {
  while (*done < length) {
    int count = SSL_write(c->ssl, bytes + *done, (int)(length - *done));
    if (count <= 0) return SSL_get_error(c->ssl, count) == SSL_ERROR_WANT_WRITE ? 0 : -1;
    *done += (size_t)count;
  }
  return 1;
}

static void advance(struct connection *c) {
  ERR_clear_error();
  if (c->unsent != NULL) {
    int result = write_some(c, c->unsent, c->unsent_length, &c->unsent_done);
    if (result < 0) close_connection(c);
    if (result <= 0) return;
    free(c->unsent);
    c->unsent = NULL;
    watch(c, EPOLLIN);
  }
  for (int reads = 0; reads < READS_PER_TURN; reads++) {
    int count = SSL_read(c->ssl, buffer, BUFFER_BYTES);
    if (count <= 0) {
      int error = SSL_get_error(c->ssl, count);
      if (error == SSL_ERROR_WANT_READ) return;
      if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(c->ssl);
      close_connection(c);
      return;
    }
    size_t done = 0;
    int result = write_some(c, buffer, (size_t)count, &done);
    if (result < 0) {
      close_connection(c);
      return;
    }
    if (result == 0) {
      c->unsent_length = (size_t)count - done;
      c->unsent_done = 0;
      c->unsent = malloc(c->unsent_length);
      if (c->unsent == NULL) abort();
      memcpy(c->unsent, buffer + done, c->unsent_length);
      watch(c, EPOLLOUT);
      return;
    }
  }
}

static void accept_all(int listener, SSL_CTX *context) {
  for (;;) {
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) abort();
    c->fd = fd;
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, fd);
    SSL_set_accept_state(c->ssl);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int argc, char **argv) {
  struct epoll_event events[EVENTS_MAX];
  int on = 1;
  if (argc != 4) {
    fputs("usage: c-openssl-echo PORT CERT KEY\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return 1;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    perror("listen");
    return 1;
  }
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) accept_all(listener, context);
      else advance(events[i].data.ptr);
    }
  }
}
