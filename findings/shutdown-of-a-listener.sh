#!/usr/bin/env bash
# shutdown(2) of a listener: TCP and Unix sockets do the opposite with those who wait in the backlog.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  one of two things, for both families: it is refused (the socket is not connected), or new
#            clients are refused while those in the backlog can still be accepted.
# Seen:      both refuse new clients. A TCP listener resets who waits in the backlog, accept(2) fails with
#            EINVAL, others can bind the port at once although the descriptor is still open, and listen(2)
#            opens it again. A Unix listener keeps its backlog: accept gives them out; listen succeeds and
#            brings nothing back, clients are refused for good.
# So:        "no new ones, but serve who waits" is a shutdown on Unix paths; on TCP it takes accepting
#            until the backlog is empty, and close(2).
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, socket

def says(call):
    try:
        return call() or 'ok'
    except OSError as error:
        return errno.errorcode[error.errno]

def client(server, kept=[]):
    kept.append(socket.socket(server.family))
    kept[-1].settimeout(5)
    kept[-1].connect(server.getsockname())
    return kept[-1]

def bound(server):
    other = socket.socket(server.family)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with other:
        other.bind(server.getsockname())

for family, address in ((socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_UNIX, '')):  # '': an abstract name
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    server.settimeout(5)
    waiting = client(server)
    waiting.send(b'hello')
    print(f'{family.name}: shutdown', says(lambda: server.shutdown(socket.SHUT_RD)))
    print('  accept:', says(lambda: server.accept()[0].recv(5).decode()))
    waiting.setblocking(False)
    print('  who waited:', says(lambda: 'bytes' if waiting.recv(5) else 'an end'))
    print('  new clients:', says(lambda: client(server) and None))
    print('  others bind:', says(lambda: bound(server)))
    print('  listen:', says(lambda: server.listen()), 'and then new clients:', says(lambda: client(server) and None))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'AF_INET: shutdown ok
  accept: EINVAL
  who waited: ECONNRESET
  new clients: ECONNREFUSED
  others bind: ok
  listen: ok and then new clients: ok
AF_UNIX: shutdown ok
  accept: hello
  who waited: an end
  new clients: ECONNREFUSED
  others bind: EADDRINUSE
  listen: ok and then new clients: ECONNREFUSED' ]
