#!/usr/bin/env bash
# shutdown(2) of the reading side: on a Unix stream the peer is told, on TCP it goes on and is read.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  after SHUT_RD nothing can be read, and what comes is thrown away or refused, alike on both.
# Seen:      both answer the next read with an end. On TCP the peer's send then succeeds, the "late" bytes
#            arrive, a read returns them, and the next one is an end again. On a Unix stream the peer's
#            send fails with EPIPE.
# So:        on TCP an end may be followed by data; only who stops reading of himself is done.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, select, socket

def tcp():
    listener = socket.create_server(('127.0.0.1', 0))
    return socket.create_connection(listener.getsockname()), listener.accept()[0]

def tell(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]

for name, (peer, one) in (('tcp', tcp()), ('unix', socket.socketpair())):
    one.shutdown(socket.SHUT_RD)
    first = one.recv(10)
    sent = tell(lambda: peer.send(b'late'))
    late = b''
    for _ in range(200): # until it has arrived; an end is readable, too, so poll does not help
        late = one.recv(10)
        if late or sent != 4:
            break
        select.select([], [], [], 0.01)
    print(name, first, 'sent', sent, late, one.recv(10))
END
)
printf '%s\n' "$seen"
[ "$seen" = "tcp b'' sent 4 b'late' b''
unix b'' sent EPIPE b'' b''" ]
