#!/usr/bin/env bash
# A listener with an accept in an io_uring outlives its killed process: it still takes connections.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  when wait(2) has returned for a process that was killed, its sockets are closed: its port
#            can be bound, and who connects is refused. So it is without io_uring.
# Seen:      with one accept in flight in a ring, bind(2) says EADDRINUSE for some milliseconds behind
#            wait(2), and a connect(2) at that moment succeeds: the connection is then ended or reset
#            without a byte, by nobody. The kernel takes rings down behind the process's end.
# So:        whoever starts a server again at once tries a busy address for a while, and a client that
#            was connected knows of nobody who listens until it has had an answer.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > holder.py <<'END'
import ctypes, mmap, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen()
if sys.argv[1] == 'io_uring':
    params = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 4, params)  # io_uring_setup(2)
    if ring < 0:
        sys.exit('io_uring is not to be had here')
    entries = struct.unpack_from('I', params, 0)[0]
    tail_at, array_at = struct.unpack_from('I', params, 44)[0], struct.unpack_from('I', params, 64)[0]
    queue = mmap.mmap(ring, array_at + 4 * entries, offset=0)
    operations = mmap.mmap(ring, 64 * entries, offset=0x10000000)
    struct.pack_into('BBHi', operations, 0, 13, 0, 0, server.fileno())  # IORING_OP_ACCEPT
    struct.pack_into('I', queue, array_at, 0)
    struct.pack_into('I', queue, tail_at, 1)
    if libc.syscall(426, ring, 1, 0, 0, None, 0) != 1:  # io_uring_enter(2)
        sys.exit('nothing was submitted')
print(server.getsockname()[1], flush=True)
os.read(0, 1)
END
cat > kill.py <<'END'
import errno, socket, subprocess, sys, time

def says(call):
    try:
        return call() or 'succeeds'
    except OSError as error:
        return errno.errorcode[error.errno]

def bind(port):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(('127.0.0.1', port))
        one.listen()

def once(kind):
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, 'holder.py', kind], stdin=pipe, stdout=pipe)
    port = int(child.stdout.readline())
    client = socket.socket()
    client.settimeout(5)
    child.kill()
    child.wait()
    connected = says(lambda: client.connect(('127.0.0.1', port)))
    bound = says(lambda: bind(port))
    heard = ''
    if connected == 'succeeds':
        answer = says(lambda: 'the end' if client.recv(1) == b'' else 'a byte')
        heard = ', heard nothing but the end' if answer in ('the end', 'ECONNRESET') else answer
    client.close()
    for _ in range(2000):
        if says(lambda: bind(port)) == 'succeeds':
            return f'connect {connected}{heard}, bind {bound}, later succeeds'
        time.sleep(0.001)

for kind in ('plain', 'io_uring'):
    seen = [once(kind) for _ in range(10)]
    # The kernel may be quick now and then.
    print(kind, max(set(seen), key=seen.count))
END
seen=$(timeout 60 python3 kill.py)
printf '%s\n' "$seen"
[ "$seen" = 'plain connect ECONNREFUSED, bind succeeds, later succeeds
io_uring connect succeeds, heard nothing but the end, bind EADDRINUSE, later succeeds' ]
