/*
 * The measured window: warm-up, then the window in which everything counts, then a drain in
 * which nothing new is sent but every reply is still awaited and checked.
 */
#ifndef BENCH_MEASUREMENT_H
#define BENCH_MEASUREMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "histogram.h"
#include "options.h"

enum phase { PHASE_WARMUP, PHASE_MEASURING, PHASE_DRAINING, PHASE_OVER };

/* CPU time in nanoseconds at one instant. */
struct cpu_reading {
  uint64_t own;
  uint64_t watched;
};

struct measurement {
  const struct options *options;
  enum phase phase;
  uint64_t phase_end; /* nanoseconds of the monotonic clock */
  uint64_t begin;
  uint64_t end;
  struct cpu_reading cpu_begin;
  struct cpu_reading cpu_end;
  uint64_t requests;
  uint64_t bytes; /* of replies, as they came off the socket */
  uint64_t lost;  /* datagrams without a reply, over the whole run */
  uint64_t errors;
  struct histogram latency; /* nanoseconds */
};

static inline uint64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void measurement_prepare(struct measurement *m, const struct options *options);

/* Starts the warm-up. Call it when every socket is open: connecting is not part of the load. */
void measurement_start(struct measurement *m);

/* Moves to the next phase when its time has come. Call it once per turn of the loop. */
void measurement_turn(struct measurement *m, uint64_t now);

/* Milliseconds until the phase changes, for epoll_wait. */
int measurement_timeout(const struct measurement *m, uint64_t now);

static inline void measurement_reply(struct measurement *m, uint64_t latency) {
  if (m->phase != PHASE_MEASURING) return;
  m->requests++;
  histogram_add(&m->latency, latency);
}

static inline void measurement_received(struct measurement *m, uint64_t bytes) {
  if (m->phase == PHASE_MEASURING) m->bytes += bytes;
}

/* Counts an error and prints the first few of them. */
__attribute__((format(printf, 2, 3))) void measurement_error(struct measurement *m,
                                                              const char *format, ...);

/* Ends the run, also early when no connection is left, and prints the line of JSON. */
void measurement_print(struct measurement *m);

#endif
