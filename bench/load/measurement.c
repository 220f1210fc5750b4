#include "measurement.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_NANOSECONDS 5000000000u
#define ERRORS_PRINTED_MAX 5

static uint64_t clock_nanoseconds(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/*
 * The server's time is read here, not by the harness, so that it covers the window exactly;
 * and from its CPU clock, which counts every thread, also ended ones, in nanoseconds, where
 * /proc/PID/stat counts in steps of 10 ms.
 */
static uint64_t read_processes(const pid_t *processes, uint32_t count) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    clockid_t clock;
    int failure = clock_getcpuclockid(processes[i], &clock);
    if (failure != 0) {
      fprintf(stderr, "echo-load: cannot read the CPU time of process %d: %s\n",
              (int)processes[i], strerror(failure));
      exit(1);
    }
    sum += clock_nanoseconds(clock);
  }
  return sum;
}

static struct cpu_reading read_cpu(const struct options *options) {
  return (struct cpu_reading){
      .own = clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID) +
             read_processes(options->companions, options->companion_count),
      .watched = read_processes(options->watched, options->watched_count)};
}

void measurement_prepare(struct measurement *m, const struct options *options) {
  memset(m, 0, sizeof *m);
  m->options = options;
}

void measurement_start(struct measurement *m) {
  m->phase_end = now_nanoseconds() + (uint64_t)(m->options->warmup_seconds * 1e9);
}

static void begin_measuring(struct measurement *m) {
  m->phase = PHASE_MEASURING;
  m->cpu_begin = read_cpu(m->options);
  m->begin = now_nanoseconds();
  m->phase_end = m->begin + (uint64_t)(m->options->measured_seconds * 1e9);
}

static void end_measuring(struct measurement *m) {
  m->phase = PHASE_DRAINING;
  m->end = now_nanoseconds();
  m->cpu_end = read_cpu(m->options);
  m->phase_end = m->end + DRAIN_NANOSECONDS;
}

void measurement_turn(struct measurement *m, uint64_t now) {
  if (now < m->phase_end) return;
  switch (m->phase) {
    case PHASE_WARMUP: begin_measuring(m); break;
    case PHASE_MEASURING: end_measuring(m); break;
    case PHASE_DRAINING: m->phase = PHASE_OVER; break;
    case PHASE_OVER: break;
  }
}

int measurement_timeout(const struct measurement *m, uint64_t now) {
  if (now >= m->phase_end) return 0;
  return (int)((m->phase_end - now) / 1000000u) + 1;
}

void measurement_error(struct measurement *m, const char *format, ...) {
  if (m->errors++ >= ERRORS_PRINTED_MAX) return;
  va_list arguments;
  va_start(arguments, format);
  fputs("echo-load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

static double microseconds(const struct measurement *m, double fraction) {
  return (double)histogram_percentile(&m->latency, fraction) / 1e3;
}

void measurement_print(struct measurement *m) {
  if (m->phase == PHASE_WARMUP) begin_measuring(m);
  if (m->phase == PHASE_MEASURING) end_measuring(m);
  printf("{\"requests\":%llu,\"bytes\":%llu,\"seconds\":%.6f,", (unsigned long long)m->requests,
         (unsigned long long)m->bytes, (double)(m->end - m->begin) / 1e9);
  printf("\"latencyUs\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
         microseconds(m, 0.5), microseconds(m, 0.99), microseconds(m, 0.999),
         microseconds(m, 1.0));
  printf("\"errors\":%llu,\"lost\":%llu,", (unsigned long long)m->errors,
         (unsigned long long)m->lost);
  printf("\"loadCpuSeconds\":%.6f,\"serverCpuSeconds\":",
         (double)(m->cpu_end.own - m->cpu_begin.own) / 1e9);
  if (m->options->watched_count == 0) {
    puts("null}");
  } else {
    printf("%.6f}\n", (double)(m->cpu_end.watched - m->cpu_begin.watched) / 1e9);
  }
}
