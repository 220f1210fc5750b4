#!/usr/bin/env bash
# A refused connection, once its error was read, looks like one that the peer has ended in order.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  a TCP socket whose connect(2) failed has no connection, so recv(2) says ENOTCONN, as it does
#            on a socket that was never connected, or ECONNREFUSED again.
# Seen:      SO_ERROR gives ECONNREFUSED once and then 0. After that poll(2) goes on to say that there is
#            something to read and room to write, recv returns an end (0 bytes), and send fails with
#            EPIPE, word for word as behind a peer that had answered and closed.
# So:        a dial looks at SO_ERROR itself, once, before anybody else does, and keeps what it said; a
#            second look, or a read, turns "nobody listens" into "the server hung up".
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, select, socket

def says(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]

closed = socket.socket()
closed.bind(('127.0.0.1', 0))  # not listening
dialled = socket.socket()
dialled.setblocking(False)
print('connect:', errno.errorcode[dialled.connect_ex(closed.getsockname())])
poll = select.poll()
poll.register(dialled, select.POLLIN | select.POLLOUT)
poll.poll(5000)
error = lambda: errno.errorcode.get(dialled.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 'none')
print('SO_ERROR:', error(), 'and then', error())
bits = poll.poll(5000)[0][1]
print('poll: readable', bool(bits & select.POLLIN), 'writable', bool(bits & select.POLLOUT),
      'error', bool(bits & select.POLLERR))
print('recv:', says(lambda: dialled.recv(10)), 'and send:', says(lambda: dialled.send(b'x')))
fresh = socket.socket()
print('never connected: recv', says(lambda: fresh.recv(10)))
END
)
printf '%s\n' "$seen"
[ "$seen" = "connect: EINPROGRESS
SO_ERROR: ECONNREFUSED and then none
poll: readable True writable True error False
recv: b'' and send: EPIPE
never connected: recv ENOTCONN" ]
