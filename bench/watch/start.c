/*
 * Starts a server, waits for its first echo and tells how long that took.
 *
 * usage: start PORT -- PROGRAM [ARGUMENT ...]
 *
 * Prints one line of JSON: seconds from fork to the echo, CPU seconds of the server by then, and
 * its resident bytes. The server is ended afterwards.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 64
#define RETRY_NANOSECONDS 200000
#define GIVE_UP_SECONDS 30
#define STOP_SECONDS 2

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void rest(void) {
  struct timespec pause = {.tv_nsec = RETRY_NANOSECONDS};
  nanosleep(&pause, NULL);
}

/* 1: the message came back, 0: nobody listens yet, -1: wrong bytes or a broken connection. */
static int try_echo(const struct sockaddr_in *address) {
  uint8_t sent[MESSAGE_BYTES];
  uint8_t received[MESSAGE_BYTES];
  for (int i = 0; i < MESSAGE_BYTES; i++) sent[i] = (uint8_t)(i * 37 + 11);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
    bool refused = errno == ECONNREFUSED;
    close(fd);
    return refused ? 0 : -1;
  }
  int outcome = -1;
  if (send(fd, sent, sizeof sent, MSG_NOSIGNAL) == MESSAGE_BYTES &&
      recv(fd, received, sizeof received, MSG_WAITALL) == MESSAGE_BYTES &&
      memcmp(sent, received, sizeof sent) == 0) {
    outcome = 1;
  }
  close(fd);
  return outcome;
}

static long resident_bytes(pid_t pid) {
  char path[64];
  long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void stop(pid_t pid) {
  kill(pid, SIGTERM);
  double deadline = seconds_of(CLOCK_MONOTONIC) + STOP_SECONDS;
  while (waitpid(pid, NULL, WNOHANG) == 0) {
    if (seconds_of(CLOCK_MONOTONIC) > deadline) kill(pid, SIGKILL);
    rest();
  }
}

int main(int argc, char **argv) {
  if (argc < 4 || strcmp(argv[2], "--") != 0) {
    fputs("usage: start PORT -- PROGRAM [ARGUMENT ...]\n", stderr);
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  double begin = seconds_of(CLOCK_MONOTONIC);
  pid_t server = fork();
  if (server == 0) {
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    execvp(argv[3], argv + 3);
    fprintf(stderr, "start: %s: %s\n", argv[3], strerror(errno));
    _exit(127);
  }
  int outcome = 0;
  while (outcome == 0 && seconds_of(CLOCK_MONOTONIC) < begin + GIVE_UP_SECONDS) {
    if (waitpid(server, NULL, WNOHANG) != 0) {
      fputs("start: the server ended\n", stderr);
      return 1;
    }
    outcome = try_echo(&address);
    if (outcome == 0) rest();
  }
  double end = seconds_of(CLOCK_MONOTONIC);
  clockid_t clock;
  double cpu = clock_getcpuclockid(server, &clock) == 0 ? seconds_of(clock) : 0;
  long resident = resident_bytes(server);
  stop(server);
  if (outcome != 1) {
    fputs(outcome == 0 ? "start: the server did not listen\n" : "start: a wrong echo\n", stderr);
    return 1;
  }
  printf("{\"seconds\":%.6f,\"serverCpuSeconds\":%.6f,\"residentBytes\":%ld}\n", end - begin, cpu,
         resident);
  return 0;
}
