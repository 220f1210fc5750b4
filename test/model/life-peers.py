"""Peers of the life model. Told a line of JSON each, in rounds; says `done` when the kernel has it all."""
import json
import os
import selectors
import socket
import struct
import sys

RECEIVE_BYTES = 65536
peers = {}
selector = selectors.DefaultSelector()
selector.register(0, selectors.EVENT_READ, None)


class Peer:
    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = 0
        self.ended = False
        self.watched = False
        self.watch(True)

    def watch(self, wanted):
        if wanted and not self.watched:
            selector.register(self.socket, selectors.EVENT_READ, self)
        elif self.watched and not wanted:
            selector.unregister(self.socket)
        self.watched = wanted

    def ready(self):
        if not self.watched:
            return  # a line that was read in between
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            self.watch(False)
            return
        self.received += len(data)
        if not data:
            self.ended = True
            self.watch(False)

    def step(self, what):
        try:
            if what == "send":
                self.socket.send(b"x")
            elif what == "end":
                self.socket.shutdown(socket.SHUT_WR)
            elif what == "stall":
                self.watch(False)
            elif what == "read":
                self.watch(not self.ended)
            elif what == "reset":
                self.watch(False)
                linger = struct.pack("ii", 1, 0)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.socket.close()
        except OSError:
            pass  # the server was faster


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def obey(told):
    if "port" in told:
        peer = peers[told["peer"]] = Peer(told["port"])
        say(peer=told["peer"], port=peer.socket.getsockname()[1])
    if "step" in told:
        peers[told["peer"]].step(told["step"])
    if "tell" in told:
        say(seen=[[number, one.received, one.ended] for number, one in peers.items()])
    if "ask" in told:
        say(done=told["ask"])


rest = b""
while True:
    for key, _ in selector.select():
        if key.data is not None:
            key.data.ready()
            continue
        data = os.read(0, 1 << 16)
        if not data:
            sys.exit()
        rest += data
        *lines, rest = rest.split(b"\n")
        for line in lines:
            obey(json.loads(line))
