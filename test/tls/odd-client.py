"""A client of tlslite-ng that does what others do not: records of any size, new keys at any time, alerts
and records that are wrong. Prints what came of it as one line."""
import socket
import sys

from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.constants import AlertDescription, AlertLevel, KeyUpdateMessageType
from tlslite.errors import TLSAbruptCloseError, TLSError
from tlslite.messages import Alert

port, what, version, record = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

settings = HandshakeSettings()
exact = (3, 3) if version == "1.2" else (3, 4)
settings.minVersion = settings.maxVersion = exact

plain = socket.create_connection(("127.0.0.1", port))
plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection = TLSConnection(plain)
connection.recordSize = record


def run(steps):
    for _ in steps:
        pass


def echo(data):
    connection.write(data)
    got = b""
    while len(got) < len(data):
        got += connection.read(min=1, max=len(data) - len(got))
    return bytes(got) == data


try:
    if what == "echo":
        connection.handshakeClientCert(serverName="localhost", settings=settings)
        size = 2_000 if record < 100 else 40_000
        good = echo(b"odd " * (size // 4))
        # An alert must not be cut into records.
        connection.recordSize = 16_384
        connection.close()
        print("echo", good)
    elif what == "keys":
        connection.handshakeClientCert(serverName="localhost", settings=settings)
        good = True
        for round in range(20):
            kind = KeyUpdateMessageType.update_requested if round % 2 else KeyUpdateMessageType.update_not_requested
            run(connection.send_keyupdate_request(kind))
            good = good and echo(b"new keys %d" % round)
        connection.close()
        print("keys", good)
    elif what.startswith("alert"):
        connection.handshakeClientCert(serverName="localhost", settings=settings)
        number = int(what.split("-")[1])
        run(connection._sendMsg(Alert().create(number, AlertLevel.fatal)))
        plain.close()
        print("alert sent")
    elif what == "garbage":
        connection.handshakeClientCert(serverName="localhost", settings=settings)
        connection.sock.sendall(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
        try:
            connection.read(min=1, max=1)
            print("garbage", "taken")
        except TLSError as error:
            print("garbage", getattr(error, "description", type(error).__name__))
except TLSAbruptCloseError:
    print("cut off")
