#!/usr/bin/env bash
# A recv() that waits for SO_RCVLOWAT bytes of TCP is not woken when it has them, if it found some at first.
#
# Versions:  Linux (seen on 6.18), Python 3.9 or newer.
# Expected:  with the mark at 100, a blocking recv() of 100 bytes returns as soon as 100 bytes have come.
# Seen:      it does when all of them come while it waits. When 10 were there at the call, it takes them and
#            is woken only by 100 more: the kernel compares the mark with what has not been taken yet, and
#            not with what the call still lacks. With 10 and then 90 bytes it sleeps on, until the peer's
#            end or until 100 wait in the socket; then it returns its 100. Without the mark and with
#            MSG_WAITALL the same call returns at the 100th byte.
# So:        to read messages of a fixed size with blocking calls, leave the mark at 1 and use MSG_WAITALL.
set -eu
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
cat > "$probe" <<'END'
import socket, threading, time

def receive(mark, early, flags=0):
    listener = socket.create_server(('127.0.0.1', 0))
    near = socket.create_connection(listener.getsockname())
    far = listener.accept()[0]
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if mark is not None:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
    if early > 0:
        near.send(b'x' * early)
        time.sleep(0.3)
    result = []
    reader = threading.Thread(target=lambda: result.append(len(far.recv(100, flags))))
    reader.start()
    time.sleep(0.3)
    near.send(b'x' * (100 - early))
    reader.join(1)
    before = 'returned' if result else 'sleeps on'
    near.close()
    reader.join(5)
    return f'{before}; {result[0]} bytes after the end'

print('mark 100, 0 + 100:', receive(100, 0))
print('mark 100, 10 + 90:', receive(100, 10))
print('MSG_WAITALL, 10 + 90:', receive(None, 10, socket.MSG_WAITALL))
END
seen=$(timeout 30 python3 "$probe")
printf '%s\n' "$seen"
[ "$seen" = 'mark 100, 0 + 100: returned; 100 bytes after the end
mark 100, 10 + 90: sleeps on; 100 bytes after the end
MSG_WAITALL, 10 + 90: returned; 100 bytes after the end' ]
