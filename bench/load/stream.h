#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "measurement.h"

/* Runs the load over TCP or Unix stream sockets until the measurement is over. */
void stream_run(struct measurement *m);

#endif
