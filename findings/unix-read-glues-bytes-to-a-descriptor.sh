#!/usr/bin/env bash
# Descriptors sent over a Unix stream end a read behind their bytes, not before them.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  the byte that carries SCM_RIGHTS marks a place in the stream: a recvmsg(2) returns what was
#            sent with the descriptor, and nothing else.
# Seen:      after send "x", send "y" with a descriptor, send "z", the first recvmsg returns "xy" with the
#            descriptor and the second "z". With two descriptors sent one after the other, each comes in a
#            read of its own. unix(7) describes it so, as "a kind of barrier" behind the bytes.
# So:        a protocol over such a socket tells by its own framing which message a descriptor goes with.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import os, socket

def reads(*messages):
    """What each read returns: its bytes, and how many descriptors came along."""
    sender, receiver = socket.socketpair()
    receiver.setblocking(False)
    pipe = os.pipe()
    for text, descriptors in messages:
        socket.send_fds(sender, [text], [pipe[0]] * descriptors) if descriptors else sender.send(text)
    found = []
    while True:
        try:
            text, fds, _, _ = socket.recv_fds(receiver, 100, 8)
        except BlockingIOError:
            return ', '.join(found)
        found.append(f'{text.decode()}+{len(fds)}')

print(reads((b'x', 0), (b'y', 1), (b'z', 0)))
print(reads((b'x', 1), (b'y', 1)))
print(reads((b'x', 0), (b'y', 0)))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'xy+1, z+0
x+1, y+1
xy+0' ]
