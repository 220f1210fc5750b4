#!/usr/bin/env bash
# SIOCOUTQ says how many bytes of a TCP connection wait; on a Unix stream it counts memory.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  SIOCOUTQ and FIONREAD are two ends of one figure: three bytes written and not read are 3.
# Seen:      FIONREAD of the reader is 3, on a Unix stream as on TCP. SIOCOUTQ of the Unix writer is some
#            hundred times that (1,536 on 6.18: what the two buffers take in the kernel). After one byte
#            of the first write was read, FIONREAD is 2; SIOCOUTQ moves only when a whole write is gone.
# So:        "is everything delivered" can be asked on a Unix stream only as "is it 0".
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import array, fcntl, socket

FIONREAD, SIOCOUTQ = 0x541B, 0x5411
def ask(one, request):
    answer = array.array('i', [0])
    fcntl.ioctl(one, request, answer)
    return answer[0]

writer, reader = socket.socketpair()
writer.send(b'xy')
writer.send(b'z')
full = ask(writer, SIOCOUTQ)
print('readable', ask(reader, FIONREAD), 'queued', 'over 100' if full > 100 else full)
reader.recv(1)
print('readable', ask(reader, FIONREAD), 'queued', 'as before' if ask(writer, SIOCOUTQ) == full else 'less')
reader.recv(1)
print('readable', ask(reader, FIONREAD), 'queued', 'as before' if ask(writer, SIOCOUTQ) == full else 'less')
reader.recv(1)
print('readable', ask(reader, FIONREAD), 'queued', ask(writer, SIOCOUTQ))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'readable 3 queued over 100
readable 2 queued as before
readable 1 queued less
readable 0 queued 0' ]
