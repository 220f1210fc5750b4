#!/usr/bin/env bash
# promtool's linter finds fault with each counter that is written as OpenMetrics wants it.
#
# Versions:  promtool 2.42.0, as Debian 12 has it (the one that is installed).
# Expected:  Prometheus scrapes OpenMetrics by preference, so `promtool check metrics` knows it: a counter
#            is declared as "requests", its sample is "requests_total" (OpenMetrics 1.0, counter).
# Seen:      "requests_total no help text" and status 3: the linter reads the older text format only, in which
#            the declaration has the name of the sample. An exemplar ends in a parsing error and status
#            1. The old form of the same counter passes, and a gauge passes in both.
# So:        pages of OpenMetrics are checked by a parser of OpenMetrics (Prometheus itself, or
#            prometheus_client's), not by this linter.
set -eu
promtool --version 2>&1 | head -1
cd / # nothing is written

check() {
  status=0
  said=$(printf '%b' "$2" | timeout 20 promtool check metrics 2>&1) || status=$?
  echo "$1: status $status ${said%%:*}"
}
seen=$(
  check 'old form' '# HELP requests_total Asked.\n# TYPE requests_total counter\nrequests_total 3\n'
  check 'OpenMetrics' '# HELP requests Asked.\n# TYPE requests counter\nrequests_total 3\n# EOF\n'
  check 'exemplar' '# HELP requests Asked.\n# TYPE requests counter\nrequests_total 3 # {id="a"} 1\n# EOF\n'
  check 'gauge' '# HELP open_things Open.\n# TYPE open_things gauge\nopen_things 3\n# EOF\n'
)
printf '%s\n' "$seen"
[ "$seen" = 'old form: status 0 
OpenMetrics: status 3 requests_total no help text
exemplar: status 1 error while linting
gauge: status 0 ' ]
