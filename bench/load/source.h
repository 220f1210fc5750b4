/*
 * Source addresses of many connections to one server: an address has only some 28,000 ports, and
 * a closed connection keeps its port for a minute.
 */
#ifndef BENCH_SOURCE_H
#define BENCH_SOURCE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOURCE_ADDRESSES 32u

/* Lets a TCP socket connect from 127.0.0.2 and up, by turns; 0 when it worked. */
static inline int source_bind(int fd, uint64_t turn) {
  int on = 1;
  uint32_t host = INADDR_LOOPBACK + 1 + (uint32_t)(turn % SOURCE_ADDRESSES);
  struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
  /* The port is chosen when the destination is known, so that it may serve another one too. */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return bind(fd, (const struct sockaddr *)&source, sizeof source);
}

#endif
