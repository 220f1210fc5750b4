#!/usr/bin/env bash
# What accept(2) passes on from the listener: for TCP nearly all, for Unix sockets almost nothing.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  one rule for both: either options belong to a socket, or a listener passes them on.
# Seen:      SO_KEEPALIVE, SO_LINGER, SO_RCVTIMEO and SO_SNDBUF of a TCP listener are set on each accepted
#            socket. Of a Unix listener none of them is, but SO_PASSCRED is, and the first message has the
#            credentials even if it was sent before accept(2).
# So:        options are set per accepted socket on Unix; on TCP a listener with SO_LINGER 0 makes every
#            close of a connection a reset.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

seen=$(timeout 20 python3 - <<'END'
import socket, struct
from socket import AF_INET, AF_UNIX, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_PASSCRED, SO_RCVTIMEO, SO_SNDBUF

def accepted(family, address):
    listener, client = socket.socket(family), socket.socket(family)
    listener.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    listener.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack('ii', 1, 7))
    listener.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack('ll', 9, 0))
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, 20000)
    if family == AF_UNIX:
        listener.setsockopt(SOL_SOCKET, SO_PASSCRED, 1)
    listener.bind(address)
    listener.listen()
    client.connect(listener.getsockname())
    client.send(b'early')
    return listener.accept()[0]

def options(one):
    def passed(yes):
        return 'passed on' if yes else 'not'
    keep = one.getsockopt(SOL_SOCKET, SO_KEEPALIVE)
    linger = struct.unpack('ii', one.getsockopt(SOL_SOCKET, SO_LINGER, 8))
    limit = struct.unpack('ll', one.getsockopt(SOL_SOCKET, SO_RCVTIMEO, 16))
    room = one.getsockopt(SOL_SOCKET, SO_SNDBUF)
    return (f'SO_KEEPALIVE {passed(keep)}, SO_LINGER {passed(linger == (1, 7))}, '
            f'SO_RCVTIMEO {passed(limit[0] == 9)}, SO_SNDBUF {passed(room == 40000)}')

print('tcp:', options(accepted(AF_INET, ('127.0.0.1', 0))))
unix = accepted(AF_UNIX, './socket')
print('unix:', options(unix))
text, control, _, _ = unix.recvmsg(10, 100)
print('unix SO_PASSCRED:', unix.getsockopt(SOL_SOCKET, SO_PASSCRED),
      text.decode(), 'came with', len(control), 'credentials')
END
)
printf '%s\n' "$seen"
[ "$seen" = 'tcp: SO_KEEPALIVE passed on, SO_LINGER passed on, SO_RCVTIMEO passed on, SO_SNDBUF passed on
unix: SO_KEEPALIVE not, SO_LINGER not, SO_RCVTIMEO not, SO_SNDBUF not
unix SO_PASSCRED: 1 early came with 1 credentials' ]
