/* Times at which messages are due, at a fixed rate: an open loop, which no slow answer holds back. */
#ifndef BENCH_SCHEDULE_H
#define BENCH_SCHEDULE_H

#include <stdint.h>
#include <sys/epoll.h>

struct schedule {
  uint64_t begin; /* nanoseconds of the monotonic clock */
  double gap;     /* nanoseconds between two messages */
  uint64_t turn;  /* of the next message */
};

void schedule_start(struct schedule *schedule, double rate);

static inline uint64_t schedule_time(const struct schedule *schedule, uint64_t turn) {
  return schedule->begin + (uint64_t)((double)turn * schedule->gap);
}

/* As epoll_wait, until the next message is due or the time has come; microseconds matter here. */
int schedule_wait(const struct schedule *schedule, int epoll, struct epoll_event *events, int most,
                  uint64_t end);

#endif
