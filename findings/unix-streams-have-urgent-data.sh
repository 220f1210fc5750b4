#!/usr/bin/env bash
# A Unix stream has urgent data, and says that there is something to read where nothing can be read.
#
# Versions:  Linux 5.15 or newer with CONFIG_AF_UNIX_OOB, which is the default (seen on 6.18); Python 3.9 or
#            newer calls the kernel.
# Expected:  send(2) with MSG_OOB fails with EOPNOTSUPP, for unix(7) says that Unix sockets "do not support
#            the transmission of out-of-band data"; or if it works, then as on TCP.
# Seen:      it works. With one urgent byte waiting, epoll reports EPOLLPRI and EPOLLIN (TCP: EPOLLPRI alone),
#            a plain recv(2) fails with EAGAIN, and this read takes the report away. An urgent byte amid
#            others ends a read in front of it and is left out of the stream, as on TCP.
# So:        EPOLLIN on a Unix stream may end in EAGAIN with no other reader about; that is no fault, and a
#            peer's MSG_OOB costs it one byte of its own stream.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, select, socket

def pair(kind):
    if kind == 'unix':
        return socket.socketpair()
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    server.listen()
    return socket.create_connection(server.getsockname()), server.accept()[0]

def read(end):
    try:
        return end.recv(10).decode()
    except OSError as error:
        return errno.errorcode[error.errno]

for kind in ('unix', 'tcp'):
    sender, end = pair(kind)
    end.setblocking(False)
    watch = select.epoll()
    watch.register(end, select.EPOLLIN | select.EPOLLPRI)
    names = ((select.EPOLLIN, 'in'), (select.EPOLLPRI, 'pri'))
    says = lambda wait: '+'.join(n for _, bits in watch.poll(wait) for bit, n in names if bits & bit) or 'nothing'
    sender.send(b'!', socket.MSG_OOB)
    alone = f'{says(5)}, read {read(end)}, then {says(0)}'
    sender.send(b'12')
    sender.send(b'3', socket.MSG_OOB)
    sender.send(b'45')
    watch.poll(5)
    print(f'{kind}: {alone}; amid others: {read(end)} {read(end)} {read(end)}')
END
)
printf '%s\n' "$seen"
[ "$seen" = 'unix: in+pri, read EAGAIN, then nothing; amid others: 12 45 EAGAIN
tcp: pri, read EAGAIN, then nothing; amid others: 12 45 EAGAIN' ]
