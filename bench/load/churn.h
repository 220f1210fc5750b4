#ifndef BENCH_CHURN_H
#define BENCH_CHURN_H

#include "measurement.h"

/* Opens TCP connections for one message each until the measurement is over. */
void churn_run(struct measurement *m);

#endif
