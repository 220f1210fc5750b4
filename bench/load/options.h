#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define WATCHED_PROCESSES_MAX 64

enum protocol { PROTOCOL_TCP, PROTOCOL_UNIX, PROTOCOL_UDP };

struct options {
  enum protocol protocol;
  struct sockaddr_storage address;
  socklen_t address_length;
  uint32_t connections;
  uint32_t pipeline; /* messages in flight per connection */
  uint32_t copies;   /* datagrams that answer each of them */
  double rate;       /* messages a second over all connections, on a schedule; 0: a closed loop */
  size_t size;       /* bytes of payload per message */
  bool length_field; /* a 4-byte big-endian length before every payload */
  bool websocket;    /* the messages are those of a WebSocket, after its handshake */
  bool reconnect;    /* a new connection for every message */
  bool hold;         /* one message per connection, then silence until the input ends */
  double warmup_seconds;
  double measured_seconds;
  pid_t watched[WATCHED_PROCESSES_MAX];
  uint32_t watched_count;
  pid_t companions[WATCHED_PROCESSES_MAX];
  uint32_t companion_count;
};

/* Reads the command line; prints what is wrong and exits with status 2 when it cannot. */
void options_parse(struct options *options, int argc, char **argv);

#endif
