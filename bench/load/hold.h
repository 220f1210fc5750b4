#ifndef BENCH_HOLD_H
#define BENCH_HOLD_H

#include "options.h"

/*
 * Opens the connections one after another, checks one echo on each, prints "held" and keeps them
 * open and silent until standard input ends. Returns the exit status.
 */
int hold_run(const struct options *options);

#endif
