"""
A bad link: two programs, each in a network namespace of its own, and between them packets that are lost,
late, out of order, there twice, or changed. Needs root and /dev/net/tun.

    bad-link.py '{"loss": 0.01, "late": 0.02, ..., "server": ["node", ...], "client": [...]}'

The server is 10.9.0.1, the client 10.9.0.2. When the client has ended, the standard input of the server
does. The last line on standard output says what became of the packets.
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
MTU = 4000
WAITING_MAX = 2000

plan = json.loads(sys.argv[1])
chance = random.Random(plan["seed"])
counts = dict.fromkeys(["passed", "lost", "late", "twice", "changed"], 0)


def start(address, words, stdin):
    """Starts a program in a namespace with one device; gives the device and the process."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            os._exit(99)
        device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN_NO_PI))
        for words_of_ip in (
            ["link", "set", "lo", "up"],
            ["addr", "add", address + "/24", "dev", "tun0"],
            ["link", "set", "tun0", "mtu", str(MTU), "up"],
        ):
            subprocess.run(["ip", *words_of_ip], check=True)
        socket.send_fds(theirs, [b"x"], [device])
        if stdin is not None:
            os.dup2(stdin, 0)
        os.closerange(3, 64)
        os.execvp(words[0], words)
    theirs.close()
    _, devices, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    os.set_blocking(devices[0], False)
    return devices[0], pid


def changed(packet):
    """One bit is another one, which every checksum shows."""
    bits = bytearray(packet)
    at = chance.randrange(len(bits))
    bits[at] ^= 1 << chance.randrange(8)
    return bytes(bits)


def due(now):
    """When a packet arrives: each takes its time, and some take so much that later ones come first."""
    delay = plan["delay"] * (0.5 + chance.random())
    if chance.random() < plan["late"]:
        counts["late"] += 1
        delay += plan["delay"] * 5 * chance.random()
    return now + delay


def take(source, target, waiting, now):
    while len(waiting) < WAITING_MAX:
        try:
            packet = os.read(source, 65536)
        except BlockingIOError:
            return
        if chance.random() < plan["loss"]:
            counts["lost"] += 1
            continue
        counts["passed"] += 1
        if chance.random() < plan["changed"]:
            counts["changed"] += 1
            packet = changed(packet)
        heapq.heappush(waiting, (due(now), counts["passed"], target, packet))
        if chance.random() < plan["twice"]:
            counts["twice"] += 1
            heapq.heappush(waiting, (due(now), counts["passed"] + 0.5, target, packet))


def deliver(waiting, now):
    while waiting and waiting[0][0] <= now:
        _, _, target, packet = heapq.heappop(waiting)
        try:
            os.write(target, packet)
        except OSError:
            counts["lost"] += 1  # the kernel refuses what is no packet any more


def main():
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    server, server_pid = start("10.9.0.1", plan["server"], reading)
    client, client_pid = start("10.9.0.2", plan["client"], None)
    os.close(reading)
    waiting = []
    parent = os.getppid()
    end = time.monotonic() + plan["seconds"]
    status = None
    try:
        while True:
            now = time.monotonic()
            rest = max(0, waiting[0][0] - now) if waiting else 0.05
            sources = [server, client] if len(waiting) < WAITING_MAX else []
            ready, _, _ = select.select(sources, [], [], rest)
            now = time.monotonic()
            for source in ready:
                take(source, client if source == server else server, waiting, now)
            deliver(waiting, time.monotonic())
            if ready and waiting:
                continue
            if status is None:
                pid, code = os.waitpid(client_pid, os.WNOHANG)
                if pid != 0:
                    status = code
                    os.close(writing)
            else:
                pid, code = os.waitpid(server_pid, os.WNOHANG)
                if pid != 0:
                    server_pid = 0
                    status |= code
                    return 0 if status == 0 else 1
            if now > end or os.getppid() != parent:
                return 2
    finally:
        for pid in (client_pid if status is None else 0, server_pid):
            if pid != 0:
                os.kill(pid, signal.SIGKILL)
        print(json.dumps(counts), flush=True)


sys.exit(main())
