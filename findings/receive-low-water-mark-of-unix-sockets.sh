#!/usr/bin/env bash
# SO_RCVLOWAT holds back readiness on TCP; a Unix stream takes the option and polls at the first byte.
#
# Versions:  Linux (seen on 6.18), Python 3.9 or newer.
# Expected:  socket(7) says that since Linux 2.6.28 poll and epoll respect SO_RCVLOWAT.
# Seen:      a TCP socket with 100 set stays unreadable at 10 bytes. On a Unix stream setsockopt succeeds
#            and getsockopt gives 100 back, and epoll reports it at 10 bytes.
# So:        a server that moves from TCP to a Unix socket and counts on the mark to get whole messages
#            gets pieces.
set -eu
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
cat > "$probe" <<'END'
import select, socket

def tcp():
    listener = socket.create_server(('127.0.0.1', 0))
    near = socket.create_connection(listener.getsockname())
    return near, listener.accept()[0]

for name, (near, far) in (('tcp', tcp()), ('unix', socket.socketpair())):
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 100)
    mark = far.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
    epoll = select.epoll()
    epoll.register(far, select.EPOLLIN)
    near.send(b'x' * 10)
    early = 'readable' if epoll.poll(0.3) else 'not readable'
    near.send(b'x' * 90)
    late = 'readable' if epoll.poll(5) else 'not readable'
    print(f'{name}: mark {mark}, {early} at 10 bytes, {late} at 100')
END
seen=$(timeout 30 python3 "$probe")
printf '%s\n' "$seen"
[ "$seen" = 'tcp: mark 100, not readable at 10 bytes, readable at 100
unix: mark 100, readable at 10 bytes, readable at 100' ]
