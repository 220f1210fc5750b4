#!/usr/bin/env bash
# tcp_info says how long an accepted connection has waited in the backlog: as the time since it sent data.
#
# Versions:  Linux 6.18 (and every one since 2.6), Python's socket module.
# Expected:  tcpi_last_data_sent of a socket that has never sent is 0 or huge; the time since the handshake is
#            tcpi_last_ack_recv, the time since the last acknowledgement came.
# Seen:      last_data_sent begins with the handshake: 500 ms for a connection that waited 500 ms to be
#            accepted. last_ack_recv says 200, because the client's first data, 200 ms ago, acknowledges, too.
# So:        read once, right after accept and before the first send, last_data_sent is the wait in the backlog,
#            as exact as the kernel's ticks; nothing else tells it.
set -eu
seen=$(timeout 30 python3 - <<'END'
import socket, struct, time

server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
time.sleep(0.3)
client.sendall(b'x')
time.sleep(0.2)
accepted, _ = server.accept()
info = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
last_data_sent, _, last_data_recv, last_ack_recv = struct.unpack_from('4I', info, 44)
print('last_data_sent', last_data_sent, 'last_data_recv', last_data_recv, 'last_ack_recv', last_ack_recv)
handshake = last_data_sent >= 490
data = last_data_recv < 490 and last_ack_recv < 490
print('sent: since the handshake' if handshake else 'sent: otherwise')
print('received, acknowledged: since the data' if data else 'received, acknowledged: otherwise')
END
)
printf '%s\n' "$seen"
[ "$(printf '%s\n' "$seen" | tail -n 2)" = 'sent: since the handshake
received, acknowledged: since the data' ]
