#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define MESSAGE_BYTES_MAX (1024.0 * 1024 * 1024)
/* Their length is one byte. */
#define WEBSOCKET_BYTES_MAX 125
#define DATAGRAM_BYTES_MIN 12
#define DATAGRAM_BYTES_MAX 65507
/* Goes out in one send and fits into what any server reads at once. */
#define SINGLE_MESSAGE_BYTES_MAX 16384
#define COPIES_MAX 1024
#define PIPELINE_WITH_COPIES_MAX 64

static const char usage[] =
    "echo-load: send messages to an echo server, check every byte of the replies, time them\n"
    "\n"
    "  --protocol tcp|unix|udp   what the server speaks (tcp)\n"
    "  --address A               127.0.0.1:PORT, or the path of a Unix socket; required\n"
    "  --connections N           sockets (1)\n"
    "  --size N                  bytes of payload per message (64)\n"
    "  --pipeline N              messages in flight per socket (1)\n"
    "  --copies N                each datagram asks for so many copies of itself: its third word (1)\n"
    "  --rate N                  messages a second over all connections, each at its time, instead of\n"
    "                            one when an answer has come; its latency begins when it was due\n"
    "  --length-field            put a 4-byte big-endian length before every payload\n"
    "  --websocket               after a handshake, messages of at most 125 bytes, masked by zeros\n"
    "  --reconnect               a new TCP connection for every message: connect, echo, close\n"
    "  --hold                    one message per connection; then print \"held\" and keep the\n"
    "                            connections open until standard input ends\n"
    "  --warmup S                seconds of load before the measured window (0.5)\n"
    "  --seconds S               seconds of the measured window (2)\n"
    "  --watch-pid PID           add the CPU time of this process to the result; repeatable\n"
    "  --companion-pid PID       add the CPU time of this process to that of the load; repeatable\n"
    "\n"
    "Prints one line of JSON. Exit status: 0 all replies right, 1 errors, 2 wrong usage.\n";

__attribute__((noreturn, format(printf, 1, 2))) static void refuse(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("echo-load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("; see --help\n", stderr);
  va_end(arguments);
  exit(2);
}

static double parse_number(const char *name, const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least) || value > most) {
    refuse("--%s takes a number from %g to %g, not '%s'", name, least, most, text);
  }
  return value;
}

static enum protocol parse_protocol(const char *text) {
  if (strcmp(text, "tcp") == 0) return PROTOCOL_TCP;
  if (strcmp(text, "unix") == 0) return PROTOCOL_UNIX;
  if (strcmp(text, "udp") == 0) return PROTOCOL_UDP;
  refuse("--protocol takes tcp, unix or udp, not '%s'", text);
}

static void parse_unix_address(struct options *options, const char *text) {
  struct sockaddr_un *address = (struct sockaddr_un *)&options->address;
  if (strlen(text) >= sizeof address->sun_path) {
    refuse("--address: a path has at most %zu bytes", sizeof address->sun_path - 1);
  }
  address->sun_family = AF_UNIX;
  strcpy(address->sun_path, text);
  options->address_length = sizeof *address;
}

static void parse_internet_address(struct options *options, const char *text) {
  struct sockaddr_in *address = (struct sockaddr_in *)&options->address;
  char host[INET_ADDRSTRLEN];
  const char *colon = strrchr(text, ':');
  if (colon == NULL || (size_t)(colon - text) >= sizeof host) {
    refuse("--address takes an IPv4 address and a port, not '%s'", text);
  }
  memcpy(host, text, (size_t)(colon - text));
  host[colon - text] = '\0';
  address->sin_family = AF_INET;
  address->sin_port = htons((uint16_t)parse_number("address", colon + 1, 1, 65535));
  if (inet_pton(AF_INET, host, &address->sin_addr) != 1) {
    refuse("--address takes an IPv4 address and a port, not '%s'", text);
  }
  options->address_length = sizeof *address;
}

static void finish(struct options *options, const char *address) {
  if (address == NULL) refuse("--address is missing");
  if (options->protocol == PROTOCOL_UNIX) {
    parse_unix_address(options, address);
  } else {
    parse_internet_address(options, address);
  }
  if (options->reconnect || options->hold) {
    if (options->protocol != PROTOCOL_TCP) refuse("--reconnect and --hold are for TCP");
    if (options->size > SINGLE_MESSAGE_BYTES_MAX) {
      refuse("--size with --reconnect or --hold is at most %d", SINGLE_MESSAGE_BYTES_MAX);
    }
  }
  if (options->rate > 0 && (options->protocol == PROTOCOL_UDP || options->reconnect ||
                            options->hold)) {
    refuse("--rate is for kept connections of streams");
  }
  if (options->websocket) {
    if (options->size > WEBSOCKET_BYTES_MAX) {
      refuse("--size with --websocket is at most %d", WEBSOCKET_BYTES_MAX);
    }
    if (options->protocol != PROTOCOL_TCP || options->length_field || options->reconnect ||
        options->hold) {
      refuse("--websocket is for kept connections of TCP, without --length-field");
    }
  }
  if (options->protocol != PROTOCOL_UDP) {
    if (options->copies > 1) refuse("--copies is for UDP");
    return;
  }
  if (options->copies > 1 && options->pipeline > PIPELINE_WITH_COPIES_MAX) {
    refuse("--pipeline with --copies is at most %d", PIPELINE_WITH_COPIES_MAX);
  }
  if (options->length_field) refuse("--length-field is for streams, a datagram has its length");
  if (options->size < DATAGRAM_BYTES_MIN || options->size > DATAGRAM_BYTES_MAX) {
    refuse("--size of a datagram is %d to %d", DATAGRAM_BYTES_MIN, DATAGRAM_BYTES_MAX);
  }
}

static void add_process(const char *name, pid_t *processes, uint32_t *count) {
  if (*count == WATCHED_PROCESSES_MAX) refuse("too many --%s", name);
  processes[(*count)++] = (pid_t)parse_number(name, optarg, 1, 1 << 30);
}

void options_parse(struct options *options, int argc, char **argv) {
  static const struct option names[] = {
      {"protocol", required_argument, NULL, 't'}, {"address", required_argument, NULL, 'a'},
      {"connections", required_argument, NULL, 'c'}, {"size", required_argument, NULL, 's'},
      {"pipeline", required_argument, NULL, 'p'}, {"length-field", no_argument, NULL, 'l'},
      {"warmup", required_argument, NULL, 'w'}, {"seconds", required_argument, NULL, 'd'},
      {"watch-pid", required_argument, NULL, 'x'}, {"help", no_argument, NULL, 'h'},
      {"companion-pid", required_argument, NULL, 'y'}, {"reconnect", no_argument, NULL, 'r'},
      {"hold", no_argument, NULL, 'k'}, {"copies", required_argument, NULL, 'n'},
      {"websocket", no_argument, NULL, 'f'}, {"rate", required_argument, NULL, 'q'},
      {NULL, 0, NULL, 0},
  };
  const char *address = NULL;
  *options = (struct options){
      .connections = 1, .pipeline = 1, .copies = 1, .size = 64,
      .warmup_seconds = 0.5, .measured_seconds = 2};
  int key;
  while ((key = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (key) {
      case 't': options->protocol = parse_protocol(optarg); break;
      case 'a': address = optarg; break;
      case 'c': options->connections = (uint32_t)parse_number("connections", optarg, 1, 1e6); break;
      case 's': options->size = (size_t)parse_number("size", optarg, 1, MESSAGE_BYTES_MAX); break;
      case 'p': options->pipeline = (uint32_t)parse_number("pipeline", optarg, 1, 65536); break;
      case 'n': options->copies = (uint32_t)parse_number("copies", optarg, 1, COPIES_MAX); break;
      case 'q': options->rate = parse_number("rate", optarg, 1, 1e7); break;
      case 'l': options->length_field = true; break;
      case 'w': options->warmup_seconds = parse_number("warmup", optarg, 0, 3600); break;
      case 'd': options->measured_seconds = parse_number("seconds", optarg, 0.01, 3600); break;
      case 'r': options->reconnect = true; break;
      case 'k': options->hold = true; break;
      case 'f': options->websocket = true; break;
      case 'x': add_process("watch-pid", options->watched, &options->watched_count); break;
      case 'y': add_process("companion-pid", options->companions, &options->companion_count); break;
      case 'h': fputs(usage, stdout); exit(0);
      default: refuse("unknown option");
    }
  }
  if (optind < argc) refuse("unexpected argument '%s'", argv[optind]);
  finish(options, address);
}
