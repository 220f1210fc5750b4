#!/usr/bin/env bash
# A Unix datagram socket polls as writable while every send to its target is refused with EAGAIN.
#
# Versions:  Linux (seen on 6.18), Python 3.9 or newer.
# Expected:  after EAGAIN, poll(2) and epoll report the socket as writable once a send would succeed.
# Seen:      that holds for a connected socket. One that names its target with each sendto() polls as
#            writable all the time: the queue that is full is the receiver's (net.unix.max_dgram_qlen
#            datagrams, 10 by default), and poll looks at the sender's own memory.
# So:        a logger or metrics client that sends to /dev/log or a statsd socket with sendto() and waits
#            for writability spins at full speed for as long as the receiver is slow. Connect the socket.
set -eu
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
cat > "$probe" <<'END'
import errno, os, select, socket, tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'receiver')
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)

    def fill(sender, send):
        try:
            for _ in range(100_000):
                send()
        except OSError as error:
            epoll = select.epoll()
            epoll.register(sender, select.EPOLLOUT)
            ready = 'writable' if epoll.poll(0.1) else 'not writable'
            return f'{errno.errorcode[error.errno]}, {ready}'
        return 'never full'

    named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    named.setblocking(False)
    print('sendto:', fill(named, lambda: named.sendto(b'x', path)))
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    connected.connect(path)
    connected.setblocking(False)
    print('connected:', fill(connected, lambda: connected.send(b'x')))
END
seen=$(timeout 30 python3 "$probe")
printf '%s\n' "$seen"
[ "$seen" = 'sendto: EAGAIN, writable
connected: EAGAIN, not writable' ]
