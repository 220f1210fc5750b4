#!/usr/bin/env bash
# With IP_RECVERR one dead peer of a UDP socket makes the send to another one fail.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  IP_RECVERR puts ICMP errors in the error queue, and they stay there until MSG_ERRQUEUE asks.
# Seen:      on a socket that is not connected, after a send to a closed port, the next send to a healthy
#            port fails with ECONNREFUSED, is not sent, and succeeds when repeated; the error queue names
#            the dead peer. Without the option nothing is ever reported.
# So:        an error of sendto(2) on such a socket says nothing about the address it was given: send
#            again once, and look in the error queue for whom it concerns.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 20 python3 - <<'END'
import errno, select, socket

IP_RECVERR = 11
def bound():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(('127.0.0.1', 0))
    one.settimeout(5)
    return one

def send(one, address):
    try:
        return one.sendto(b'hi', address)
    except OSError as error:
        return errno.errorcode[error.errno]

healthy = bound()
for option in (0, 1):
    closing, one = bound(), bound()
    dead = closing.getsockname()
    closing.close()
    one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, option)
    first = send(one, dead) # over loopback the ICMP answer is there when the call returns
    second, third = send(one, healthy.getsockname()), send(one, healthy.getsockname())
    healthy.recv(10)
    names = 'no queue'
    if option:
        address = one.recvmsg(10, 200, socket.MSG_ERRQUEUE)[3]
        names = 'the queue names ' + ('the dead peer' if address == dead else 'another')
    else:
        healthy.recv(10)
    print(f'IP_RECVERR {option}: dead {first}, healthy {second}, healthy {third}, {names}')
END
)
printf '%s\n' "$seen"
[ "$seen" = 'IP_RECVERR 0: dead 2, healthy 2, healthy 2, no queue
IP_RECVERR 1: dead 2, healthy ECONNREFUSED, healthy 2, the queue names the dead peer' ]
