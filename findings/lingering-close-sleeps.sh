#!/usr/bin/env bash
# With a time in SO_LINGER, close(2) of a non-blocking socket sleeps, shutdown(2) does not, nothing is lost.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  socket(7): "a close(2) or shutdown(2) will not return until all queued messages ... have been
#            successfully sent or the linger timeout has been reached"; with O_NONBLOCK neither sleeps;
#            and at the end of the time what was not sent is thrown away.
# Seen:      with 1 s and a peer that does not read, shutdown returns at once, close sleeps for the whole
#            second though the socket is non-blocking, and close returns 0, not an error. The peer that
#            begins to read only then still gets every byte and an end.
# So:        an event loop never sets a time (0 is another thing: a reset); who wants to know that all has
#            arrived ends his side and waits for the peer's end.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 30 python3 - <<'END'
import os, socket, struct, time

def leave(how):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.bind(('127.0.0.1', 0))
    server.listen()
    one = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 1))
    sent = 0
    try:
        while True:
            sent += one.send(bytes(65536))
    except BlockingIOError:
        pass
    begin = time.monotonic()
    if how == 'shutdown':
        one.shutdown(socket.SHUT_WR)
    else:
        os.close(one.detach())  # raises what close(2) says
    slept = time.monotonic() - begin >= 0.9
    peer.settimeout(10)
    received = 0
    while data := peer.recv(1 << 20):
        received += len(data)
    return f"{'slept' if slept else 'at once'}, then {'all' if received == sent else 'a part'} arrives"

for how in ('shutdown', 'close'):
    print(f'{how}: {leave(how)}')
END
)
printf '%s\n' "$seen"
[ "$seen" = 'shutdown: at once, then all arrives
close: slept, then all arrives' ]
