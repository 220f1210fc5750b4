"""Sends back what comes, to clients with a certificate; prints its port.

usage: echo-server.py CERT KEY CA VERSION
"""
import socket
import ssl
import sys
import threading

cert, key, ca, version = sys.argv[1:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
context.set_alpn_protocols(["echo"])
exact = getattr(ssl.TLSVersion, version)
context.minimum_version = context.maximum_version = exact


def echo(plain):
    with context.wrap_socket(plain, server_side=True) as secured:
        while data := secured.recv(65536):
            secured.sendall(data)
        # Answers the close_notify of the other side.
        secured.unwrap()


with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=echo, args=(plain,), daemon=True).start()
