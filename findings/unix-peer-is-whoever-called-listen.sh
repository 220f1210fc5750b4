#!/usr/bin/env bash
# SO_PEERCRED tells the client of a Unix socket who called listen(), not who accepted it.
#
# Versions:  Linux (seen on 6.18), Python 3.9 or newer.
# Expected:  a client that asks for its peer's credentials gets the pid of the process that serves it.
# Seen:      it gets the pid of the process that called listen() last before the connect, also when that
#            one has handed the listener to another process, or is a launcher that never accepts. Once
#            the other process calls listen() again on the same descriptor, clients that connect from then
#            on get its pid; those that are connected keep the old one.
# So:        behind socket activation, or after a restart that hands its listeners over, a client that
#            checks or signals its server by these credentials meets the wrong process, which may have
#            ended. A server that takes over a listener should call listen() on it.
set -eu
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
cat > "$probe" <<'END'
import os, socket, struct, tempfile

def peer(connection):
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid = struct.unpack('3i', raw)[0]
    return 'who listened' if pid == os.getpid() else 'who accepts'

def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    return client

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'listener')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    told, tell = os.pipe()
    asked, ask = os.pipe()
    child = os.fork()
    if child == 0:
        first, _ = listener.accept()
        os.write(tell, b'1')
        os.read(asked, 1)
        listener.listen(8)
        os.write(tell, b'2')
        second, _ = listener.accept()
        os.write(tell, b'3')
        os.read(asked, 1)
        os._exit(0)
    before = connect(path)
    os.read(told, 1)
    print('accepted by another process:', peer(before))
    os.write(ask, b'1')
    os.read(told, 1)
    after = connect(path)
    os.read(told, 1)
    print('which calls listen again:', peer(after))
    print('connected before:', peer(before))
    os.write(ask, b'2')
    os.waitpid(child, 0)
END
seen=$(timeout 30 python3 "$probe")
printf '%s\n' "$seen"
[ "$seen" = 'accepted by another process: who listened
which calls listen again: who accepts
connected before: who listened' ]
