#!/usr/bin/env bash
# A UDP server on 0.0.0.0 is asked on one address and answers from another.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  sendto(2) back to the peer leaves from the address that the peer had asked.
# Seen:      asked on 127.0.0.2, the answer comes from 127.0.0.1: the kernel picks a source by the route
#            to the peer. A connected client never sees such an answer. With the IP_PKTINFO of the
#            question as control message of the answer (ipi_spec_dst is the field that counts, with
#            ipi_ifindex 0) it comes from 127.0.0.2.
# So:        a server on every address of a machine keeps the packet info of each question.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import socket, struct

IP_PKTINFO = 8
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
server.bind(('0.0.0.0', 0))
server.settimeout(5)
port = server.getsockname()[1]

def ask(connected, with_info):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(('127.0.0.1', 0))
    client.settimeout(0.5)
    if connected:
        client.connect(('127.0.0.2', port))
        client.send(b'?')
    else:
        client.sendto(b'?', ('127.0.0.2', port))
    _, control, _, peer = server.recvmsg(10, 100)
    _, specific, _ = struct.unpack('I4s4s', control[0][2])
    info = struct.pack('I4s4s', 0, specific, bytes(4))
    server.sendmsg([b'!'], [(socket.IPPROTO_IP, IP_PKTINFO, info)] if with_info else [], 0, peer)
    try:
        return client.recvfrom(10)[1][0]
    except socket.timeout:
        return 'nothing'

print('plain:', ask(False, False), 'and to a connected client', ask(True, False))
print('with packet info:', ask(False, True), 'and to a connected client', ask(True, True))
END
)
printf '%s\n' "$seen"
[ "$seen" = 'plain: 127.0.0.1 and to a connected client nothing
with packet info: 127.0.0.2 and to a connected client 127.0.0.2' ]
