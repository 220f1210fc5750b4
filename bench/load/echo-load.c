/*
 * Load for an echo server: see --help. One thread, one epoll; closed loop, so that a slow
 * server is offered less instead of a growing queue. Nothing is allocated while it runs.
 */
#include "churn.h"
#include "datagram.h"
#include "hold.h"
#include "options.h"
#include "pattern.h"
#include "stream.h"

int main(int argc, char **argv) {
  static struct options options;
  static struct measurement measurement;
  options_parse(&options, argc, argv);
  pattern_init();
  measurement_prepare(&measurement, &options);
  if (options.hold) return hold_run(&options);
  if (options.reconnect) {
    churn_run(&measurement);
  } else if (options.protocol == PROTOCOL_UDP) {
    datagram_run(&measurement);
  } else {
    stream_run(&measurement);
  }
  measurement_print(&measurement);
  return measurement.errors == 0 ? 0 : 1;
}
