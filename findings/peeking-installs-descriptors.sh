#!/usr/bin/env bash
# MSG_PEEK on a Unix socket does not only look: each look opens the descriptor once more.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  peeking leaves everything as it was: the bytes stay, and what goes with them comes with the
#            read that takes them.
# Seen:      three peeks and one read of a byte that carries one descriptor leave four new descriptors in
#            the process, four duplicates of one open file.
# So:        code that peeks for a length or a protocol on a Unix socket closes what it was given each
#            time, or peeks without a control buffer (then the descriptor stays for the read).
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import os, socket

def opened(control, looks):
    sender, receiver = socket.socketpair()
    pipe = os.pipe()
    socket.send_fds(sender, [b'x'], [pipe[1]])
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(looks):
        receiver.recvmsg(10, control, socket.MSG_PEEK)
    after_looks = len(os.listdir('/proc/self/fd'))
    receiver.recvmsg(10, socket.CMSG_SPACE(4))
    return f'{after_looks - before} by looking, {len(os.listdir("/proc/self/fd")) - after_looks} by reading'

print('with a control buffer:', opened(socket.CMSG_SPACE(4), 3))
print('without:', opened(0, 3))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'with a control buffer: 3 by looking, 1 by reading
without: 0 by looking, 1 by reading' ]
