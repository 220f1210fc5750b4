#!/usr/bin/env bash
# A receiver that wants no descriptors makes the send of its peer fail.
#
# Versions:  Linux 6.16 or newer (seen on 6.18), Python 3.9 or newer. The option SO_PASSRIGHTS is 83 here.
# Expected:  with SO_PASSRIGHTS off, descriptors that come are dropped or closed, as for a receiver without
#            room for control messages, and the bytes arrive.
# Seen:      sendmsg() with SCM_RIGHTS fails with EPERM at the sender, and its bytes are not sent. Bytes alone
#            pass. What was queued before the option was turned off still brings its descriptors.
# So:        a program that passes descriptors gets an EPERM that says nothing of its own rights, and must
#            send the bytes again without them; a receiver must turn the option off before anybody sends.
set -eu
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
cat > "$probe" <<'END'
import array, errno, socket

SO_PASSRIGHTS = 83

def pass_one(sender):
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))
    try:
        return f'sent {sender.sendmsg([b"x"], [rights])}'
    except OSError as error:
        return errno.errorcode[error.errno]

sender, receiver = socket.socketpair()
print('at first:', receiver.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS), pass_one(sender))
receiver.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
print('off:', pass_one(sender), 'and', sender.send(b'y'), 'byte alone')
data, descriptors, _, _ = socket.recv_fds(receiver, 1, 4)
print('received:', data.decode(), 'with', len(descriptors))
data, descriptors, _, _ = socket.recv_fds(receiver, 8, 4)
print('received:', data.decode(), 'with', len(descriptors))
END
seen=$(timeout 30 python3 "$probe")
printf '%s\n' "$seen"
[ "$seen" = 'at first: 1 sent 1
off: EPERM and 1 byte alone
received: x with 1
received: y with 0' ]
