/*
 * The bytes that are sent and expected back. Every connection walks the same table from its
 * own starting point, so a reply that belongs to another connection, or to another offset of
 * this one, differs; and sending and checking need no byte to be computed on the way.
 */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Prime, so that no message size or buffer size ever falls into step with the table. */
#define PATTERN_PERIOD 65521u
/* The most bytes that can be taken from the table in one piece, from any starting point. */
#define PATTERN_SPAN (256u * 1024u)

extern uint8_t pattern_table[PATTERN_PERIOD + PATTERN_SPAN];

void pattern_init(void);

/* Where the stream of connection `index` starts: different for the first 65,521 connections. */
static inline size_t pattern_start(uint32_t index) {
  return (size_t)((uint64_t)index * 7919u % PATTERN_PERIOD);
}

static inline size_t pattern_advance(size_t position, size_t count) {
  return (position + count) % PATTERN_PERIOD;
}

#endif
