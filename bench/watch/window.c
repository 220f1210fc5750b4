/*
 * Runs a load generator that is not ours and tells what CPU time it and the servers used meanwhile.
 *
 * usage: window --watch-pid PID [--watch-pid PID ...] -- PROGRAM [ARGUMENT ...]
 *
 * The program's output is passed on. Behind it comes one line of JSON. The window is the life of
 * the program: what warms up has to run before, in a window of its own.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHED_PROCESSES_MAX 64

static clockid_t watched[WATCHED_PROCESSES_MAX];
static int watched_count;

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) {
    fputs("window: a watched process has ended\n", stderr);
    exit(1);
  }
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double watched_seconds(void) {
  double sum = 0;
  for (int i = 0; i < watched_count; i++) sum += seconds_of(watched[i]);
  return sum;
}

static double seconds_of_interval(struct timeval interval) {
  return (double)interval.tv_sec + (double)interval.tv_usec / 1e6;
}

/* Takes the options; returns where the program stands, 0 when the usage is wrong. */
static int parse(int argc, char **argv) {
  int at = 1;
  while (at + 1 < argc && strcmp(argv[at], "--watch-pid") == 0) {
    if (watched_count == WATCHED_PROCESSES_MAX) return 0;
    int failure = clock_getcpuclockid((pid_t)atoi(argv[at + 1]), &watched[watched_count++]);
    if (failure != 0) {
      fprintf(stderr, "window: process %s: %s\n", argv[at + 1], strerror(failure));
      exit(1);
    }
    at += 2;
  }
  return at + 1 < argc && strcmp(argv[at], "--") == 0 ? at + 1 : 0;
}

int main(int argc, char **argv) {
  int program = parse(argc, argv);
  if (program == 0) {
    fputs("usage: window --watch-pid PID [...] -- PROGRAM [ARGUMENT ...]\n", stderr);
    return 2;
  }
  double cpu_begin = watched_seconds();
  double begin = seconds_of(CLOCK_MONOTONIC);
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[program], argv + program);
    fprintf(stderr, "window: %s: %s\n", argv[program], strerror(errno));
    _exit(127);
  }
  int status;
  struct rusage used;
  if (child < 0 || wait4(child, &status, 0, &used) != child) {
    perror("window");
    return 1;
  }
  double end = seconds_of(CLOCK_MONOTONIC);
  double cpu_end = watched_seconds();
  printf("\n{\"seconds\":%.6f,\"loadCpuSeconds\":%.6f,\"serverCpuSeconds\":%.6f}\n", end - begin,
         seconds_of_interval(used.ru_utime) + seconds_of_interval(used.ru_stime),
         cpu_end - cpu_begin);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
