#!/usr/bin/env bash
# A connection that was reset while it waited is accepted all the same, and has no peer address.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  accept(2) skips such a connection or fails with ECONNABORTED, as accept(2) and POSIX name it;
#            or else the accepted socket is like any other until it is read.
# Seen:      accept succeeds and gives the peer's address; getpeername(2) on the same socket fails with
#            ENOTCONN; the bytes sent before the reset can be read, and then comes ECONNRESET.
# So:        the address is kept from accept; who asks later (because a multishot accept gives none) must
#            have a word for a peer that cannot be named.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, select, socket, struct

def tell(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
client.send(b'hello')
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
client.close() # resets: SO_LINGER with 0 seconds
one, address = listener.accept()
poll = select.poll()
poll.register(one, 0) # POLLHUP and POLLERR come unasked
poll.poll(5000)
print('accept', address[0], 'getpeername', tell(one.getpeername),
      'read', tell(lambda: one.recv(10)), tell(lambda: one.recv(10)))
END
)
printf '%s\n' "$seen"
[ "$seen" = "accept 127.0.0.1 getpeername ENOTCONN read b'hello' ECONNRESET" ]
