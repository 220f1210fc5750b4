#!/usr/bin/env bash
# TCP_DEFER_ACCEPT takes seconds and keeps a number of retransmissions: read back, it is another number.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  getsockopt(2) answers what setsockopt(2) set; tcp(7) says "Takes an integer value (seconds)".
# Seen:      1 s stays 1; 2 and 3 become 3; 4 and 5 become 7; 8 and 10 become 15: the sums of the doubling
#            waits of the handshake, rounded up.
# So:        a limit of 10 s on silent clients is one of 15; an exact one is a timer of the server.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import socket
listener = socket.create_server(('127.0.0.1', 0))
for seconds in (1, 2, 3, 4, 5, 8, 10):
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, seconds)
    print(seconds, '->', listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT), end='; ')
END
)
printf '%s\n' "$seen"
[ "$seen" = '1 -> 1; 2 -> 3; 3 -> 3; 4 -> 7; 5 -> 7; 8 -> 15; 10 -> 15; ' ]
