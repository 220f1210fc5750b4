"""Sends what it is given to a server with TLS and prints what comes back until the end."""
import socket
import ssl
import sys

port, ca, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
exact = getattr(ssl.TLSVersion, version)
context.minimum_version = context.maximum_version = exact
data = sys.stdin.buffer.read()
with socket.create_connection(("127.0.0.1", port)) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as secured:
        secured.sendall(data)
        received = b""
        while len(received) < len(data):
            received += secured.recv(65536)
        version = secured.version()
        # Waits for the close_notify of the other side.
        secured.unwrap()
        print(version, received == data)
