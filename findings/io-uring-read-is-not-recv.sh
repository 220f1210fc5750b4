#!/usr/bin/env bash
# On a socket, READ and RECV of io_uring are two things, and so are WRITE and SEND.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer calls the kernel.
# Expected:  as read(2) and recv(2) without flags, which are one thing: a short result counts alike, a write
#            to a peer that has gone raises SIGPIPE both times, and O_NONBLOCK brings EAGAIN.
# Seen:      where 3 of 10 bytes are there, READ ends with 3 and cancels the operation that is linked to it,
#            RECV ends with 3 and lets it run (with MSG_WAITALL it waits for all ten). To a peer that has
#            gone SEND fails with EPIPE; WRITE does so and also raises SIGPIPE in the process that submitted
#            it. O_NONBLOCK is without effect: both wait for data.
# So:        a chain of linked operations is only as good as its first one's idea of a short result; a
#            library that uses WRITE on sockets needs SIGPIPE ignored, one that uses SEND does not.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
cd / # nothing is written

seen=$(timeout 30 python3 - <<'END'
import ctypes, errno, mmap, os, signal, socket, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
NOP, READ, WRITE, SEND, RECV = 0, 22, 23, 26, 27
LINK, ENTRIES = 1 << 2, 64

params = ctypes.create_string_buffer(120)
ring = libc.syscall(425, ENTRIES, params)  # io_uring_setup(2)
if ring < 0:
    sys.exit('io_uring is not to be had here')
sq, cq = struct.unpack_from('10I', params, 40), struct.unpack_from('10I', params, 80)
sq_tail, sq_array, cq_head, cq_tail, cq_first = sq[1], sq[6], cq[0], cq[1], cq[5]
queue = mmap.mmap(ring, max(sq_array + 4 * ENTRIES, cq_first + 32 * ENTRIES), offset=0)
operations = mmap.mmap(ring, 64 * ENTRIES, offset=0x10000000)
memory = ctypes.create_string_buffer(100)
word = lambda at: struct.unpack_from('I', queue, at)[0]

def submit(*wanted):
    """Each is (operation, descriptor, bytes, flags of the operation, flags of the message)."""
    for operation, descriptor, size, flags, message in wanted:
        at = word(sq_tail) % ENTRIES
        address = ctypes.addressof(memory) if size else 0
        struct.pack_into('BBHiQQIIQ24x', operations, 64 * at, operation, flags, 0, descriptor,
                         0, address, size, message, operation)
        struct.pack_into('I', queue, sq_array + 4 * at, at)
        struct.pack_into('I', queue, sq_tail, word(sq_tail) + 1)
    assert libc.syscall(426, ring, len(wanted), 0, 0, None, 0) == len(wanted)  # io_uring_enter(2)

def results():
    """What has ended by now."""
    time.sleep(0.1)
    libc.syscall(426, ring, 0, 0, 1, None, 0)
    found = []
    while word(cq_head) != word(cq_tail):
        _, result, _ = struct.unpack_from('QiI', queue, cq_first + 16 * (word(cq_head) % (2 * ENTRIES)))
        struct.pack_into('I', queue, cq_head, word(cq_head) + 1)
        found.append(str(result) if result >= 0 else errno.errorcode[-result])
    return ' '.join(found) or 'waits'

raised = []
signal.signal(signal.SIGPIPE, lambda *_: raised.append(1))
for name, receive, send in (('READ and WRITE', READ, WRITE), ('RECV and SEND', RECV, SEND)):
    end, peer = socket.socketpair()
    end.setblocking(False)
    submit((receive, end.fileno(), 10, 0, 0))
    empty = results()
    if empty == 'waits':
        peer.send(b'x')
        empty += f', then {results()}'
    end.setblocking(True)
    peer.send(b'abc')
    submit((receive, end.fileno(), 10, LINK, 0), (NOP, -1, 0, 0, 0))
    linked = results()
    peer.close()
    raised.clear()
    submit((send, end.fileno(), 10, 0, 0))
    gone = results()
    print(f"{name}: non-blocking {empty}; 3 of 10 and linked {linked}; gone {gone}, {'SIGPIPE' if raised else 'no signal'}")

end, peer = socket.socketpair()
peer.send(b'abc')
submit((RECV, end.fileno(), 10, 0, socket.MSG_WAITALL))
before = results()
peer.send(b'defghij')
print(f'RECV with MSG_WAITALL: {before}, then {results()}')
END
)
printf '%s\n' "$seen"
[ "$seen" = 'READ and WRITE: non-blocking waits, then 1; 3 of 10 and linked 3 ECANCELED; gone EPIPE, SIGPIPE
RECV and SEND: non-blocking waits, then 1; 3 of 10 and linked 3 0; gone EPIPE, no signal
RECV with MSG_WAITALL: waits, then 10' ]
