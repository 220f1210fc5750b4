#include "schedule.h"

#include <sys/prctl.h>
#include <time.h>

#include "measurement.h"

/* Timers of a process may be 50 us late unless it says otherwise. */
#define TIMER_SLACK_NANOSECONDS 1ul

void schedule_start(struct schedule *schedule, double rate) {
  prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS, 0, 0, 0);
  *schedule = (struct schedule){.begin = now_nanoseconds(), .gap = 1e9 / rate};
}

int schedule_wait(const struct schedule *schedule, int epoll, struct epoll_event *events, int most,
                  uint64_t end) {
  uint64_t now = now_nanoseconds();
  uint64_t due = schedule_time(schedule, schedule->turn);
  if (due > end) due = end;
  uint64_t left = due > now ? due - now : 0;
  struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u),
                             .tv_nsec = (long)(left % 1000000000u)};
  return epoll_pwait2(epoll, events, most, &timeout, NULL);
}
