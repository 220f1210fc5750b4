#include "hold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "source.h"

/* A server that does not answer must not keep the benchmark waiting. */
#define REPLY_TIMEOUT_SECONDS 10

static int fail(uint32_t index, const char *what) {
  fprintf(stderr, "echo-load: connection %u: %s\n", index, what);
  return 1;
}

static int open_and_echo(const struct options *options, uint32_t index) {
  static uint8_t reply[PATTERN_SPAN];
  const uint8_t *message = pattern_table + pattern_start(index);
  struct timeval timeout = {.tv_sec = REPLY_TIMEOUT_SECONDS};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || source_bind(fd, index) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      connect(fd, (const struct sockaddr *)&options->address, options->address_length) != 0) {
    return fail(index, strerror(errno));
  }
  if (send(fd, message, options->size, MSG_NOSIGNAL) != (ssize_t)options->size) {
    return fail(index, "its message could not be sent");
  }
  if (recv(fd, reply, options->size, MSG_WAITALL) != (ssize_t)options->size) {
    return fail(index, "no reply");
  }
  return memcmp(reply, message, options->size) == 0 ? 0 : fail(index, "wrong bytes in the reply");
}

int hold_run(const struct options *options) {
  char byte;
  for (uint32_t i = 0; i < options->connections; i++) {
    if (open_and_echo(options, i) != 0) return 1;
  }
  puts("held");
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  return 0;
}
