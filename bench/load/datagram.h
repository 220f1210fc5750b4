#ifndef BENCH_DATAGRAM_H
#define BENCH_DATAGRAM_H

#include "measurement.h"

/* Runs the load over UDP sockets until the measurement is over. */
void datagram_run(struct measurement *m);

#endif
