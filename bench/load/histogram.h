/*
 * A histogram of durations with a bounded relative error: every power of two is cut into
 * 128 equal steps, so a percentile is at most 0.8 % above the true value, at any scale.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEP_BITS)
/* Values below 2 * HISTOGRAM_STEPS are counted exactly; each later power of two adds one row. */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
  uint64_t total;
  uint64_t largest;
  uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t value) {
  if (value < 2 * HISTOGRAM_STEPS) return (uint32_t)value;
  uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
  return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}

/* The largest value that falls into a bucket: a percentile never looks better than it was. */
static inline uint64_t histogram_bucket_end(uint32_t bucket) {
  if (bucket < 2 * HISTOGRAM_STEPS) return bucket;
  uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
  uint64_t step = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS;
  return ((step + 1) << shift) - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value) {
  h->counts[histogram_bucket(value)]++;
  h->total++;
  if (value > h->largest) h->largest = value;
}

/* The value that `fraction` (0 to 1) of all values do not exceed; 0 when there are none. */
static inline uint64_t histogram_percentile(const struct histogram *h, double fraction) {
  if (h->total == 0) return 0;
  uint64_t wanted = (uint64_t)(fraction * (double)h->total + 0.5);
  if (wanted == 0) wanted = 1;
  uint64_t seen = 0;
  for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
    seen += h->counts[bucket];
    if (seen < wanted) continue;
    uint64_t end = histogram_bucket_end(bucket);
    return end < h->largest ? end : h->largest;
  }
  return h->largest;
}

#endif
