#!/usr/bin/env bash
# UDP offload: the size of a segment is 16 bits wide on the way out and 32 on the way in.
#
# Versions:  Linux 5.0 or newer (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  UDP_SEGMENT and UDP_GRO are one feature in two directions: one control message, one layout;
#            and a receiver without room for the message still gets one datagram a read.
# Seen:      sendmsg(2) takes UDP_SEGMENT as a 16-bit number and refuses an int with EINVAL; recvmsg(2)
#            hands out UDP_GRO as an int of 4 bytes. With UDP_GRO on, a plain recvfrom(2) returns three
#            datagrams as one text, and nothing tells where they end.
# So:        UDP_GRO goes on only where every reader of the socket brings a control buffer.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, socket, struct

SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
for each in (receiver, sender):
    each.bind(('127.0.0.1', 0))
    each.settimeout(5)

def send(layout):
    size = struct.pack(layout, 10)
    try:
        return sender.sendmsg([b'a' * 25], [(SOL_UDP, UDP_SEGMENT, size)], 0, receiver.getsockname())
    except OSError as error:
        return errno.errorcode[error.errno]

print('sent with an int:', send('i'))
print('sent with 16 bits:', send('H'), 'read:', *(len(receiver.recv(100)) for _ in range(3)))
receiver.setsockopt(SOL_UDP, UDP_GRO, 1)
send('H')
data, control, _, _ = receiver.recvmsg(100, 100)
print('with UDP_GRO read:', len(data), *(f'type {kind}, {len(value)} bytes, {struct.unpack("i", value)[0]}'
                                       for _, kind, value in control))
send('H')
print('with UDP_GRO, recvfrom:', len(receiver.recvfrom(100)[0]))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'sent with an int: EINVAL
sent with 16 bits: 25 read: 10 10 5
with UDP_GRO read: 25 type 104, 4 bytes, 10
with UDP_GRO, recvfrom: 25' ]
