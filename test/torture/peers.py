"""Peers that do what they are told, a line of JSON each, and say a line when it is done."""
import json
import os
import selectors
import socket
import struct
import sys

peers = {}
selector = selectors.DefaultSelector()
selector.register(0, selectors.EVENT_READ, None)


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def connect(peer, port):
    one = socket.create_connection(("127.0.0.1", port))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peers[peer] = one
    say(peer=peer, port=one.getsockname()[1])


def step(peer, what):
    one = peers[peer]
    try:
        if what == "D":
            one.send(b"x")
        elif what == "F":
            one.shutdown(socket.SHUT_WR)
        elif what == "R":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
            del peers[peer]
    except OSError:
        pass  # the server was faster


def finish(peer):
    """Ends, takes everything, and closes when the server has."""
    one = peers.get(peer)
    if one is None:
        return
    step(peer, "F")
    one.setblocking(False)
    selector.register(one, selectors.EVENT_READ, peer)


def drain(one, peer):
    try:
        data = one.recv(1 << 20)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if not data:
        selector.unregister(one)
        one.close()
        peers.pop(peer, None)


rest = b""
while True:
    for key, _ in selector.select():
        if key.data is not None:
            drain(key.fileobj, key.data)
            continue
        data = os.read(0, 1 << 16)
        if not data:
            sys.exit()
        rest += data
        *lines, rest = rest.split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "port" in told:
                connect(told["peer"], told["port"])
            for what in told.get("steps", ""):
                step(told["peer"], what)
            if told.get("finish"):
                finish(told["peer"])
            if told.get("ask"):
                say(done=told["ask"])
