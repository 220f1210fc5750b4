#!/usr/bin/env bash
# SO_REUSEPORT can be set on a listener that already listens, and lets others in from then on.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  socket(7): the option "must be set on each socket (including the first socket) prior to
#            calling bind(2)"; a port that was taken without it stays taken.
# Seen:      a second bind(2) fails with EADDRINUSE until the first, listening, TCP socket sets the option;
#            then it succeeds, the second listens, and the kernel spreads connections over both. The same
#            with two bound UDP sockets.
# So:        a running server can make room for its successor though it was not started for one; only its
#            own setsockopt(2), not a flag at its start, decides whether a port is exclusive.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, socket

def bound(second, first):
    try:
        second.bind(first.getsockname())
        return 'bound'
    except OSError as error:
        return errno.errorcode[error.errno]

def share(kind):
    first, second = socket.socket(socket.AF_INET, kind), socket.socket(socket.AF_INET, kind)
    first.bind(('127.0.0.1', 0))
    if kind == socket.SOCK_STREAM:
        first.listen(100)
    second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    before = bound(second, first)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    after = bound(second, first)
    if kind == socket.SOCK_STREAM:
        second.listen(100)
    clients = []
    for number in range(60):
        client = socket.socket(socket.AF_INET, kind)
        client.connect(first.getsockname())
        client.send(b'x')
        clients.append(client)
    counts = []
    for one in (first, second):
        one.setblocking(False)
        counts.append(0)
        try:
            while True:
                one.accept() if kind == socket.SOCK_STREAM else one.recv(1)
                counts[-1] += 1
        except BlockingIOError:
            pass
    return f"{before}, then {after}; {sum(counts)} of 60 arrive, at {'both' if all(counts) else 'one'}"

print('tcp:', share(socket.SOCK_STREAM))
print('udp:', share(socket.SOCK_DGRAM))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'tcp: EADDRINUSE, then bound; 60 of 60 arrive, at both
udp: EADDRINUSE, then bound; 60 of 60 arrive, at both' ]
