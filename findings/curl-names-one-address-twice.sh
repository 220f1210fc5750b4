#!/usr/bin/env bash
# curl's HAProxy client address becomes the source and the destination of the PROXY line.
#
# Versions:  libcurl 8.23.0, in pycurl 7.49.0 from PyPI, on Python 3.11 or newer
#            (CURLOPT_HAPROXY_CLIENT_IP, `curl --haproxy-clientip`).
# Expected:  the given address is the source; the destination stays the address that was connected to, and
#            an address of the other family is refused, as one line has one family.
# Seen:      "PROXY TCP4 192.0.2.7 192.0.2.7 <source port> <destination port>": both addresses are the given
#            one, the ports are those of the real connection. With an IPv6 address the line is TCP6,
#            though the connection is IPv4.
# So:        a server that routes or logs by the destination of the header sees the client there when it
#            is tried by hand with curl; and the family of the header says nothing about the connection.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
timeout 400 python/bin/pip install --quiet --disable-pip-version-check pycurl==7.49.0

cat > probe.py <<'END'
import io, pycurl, socket, threading

def line(client):
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    server.listen()
    first = []
    def serve():
        one, (_, port) = server.accept()
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            head += one.recv(4096)
        words = head.split(b'\r\n')[0].decode().split(' ')
        ports = {str(port): '<source>', str(server.getsockname()[1]): '<destination>'}
        first.append(' '.join(ports.get(word, word) for word in words))
        one.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    curl = pycurl.Curl()
    curl.setopt(curl.URL, f'http://127.0.0.1:{server.getsockname()[1]}/')
    curl.setopt(curl.TIMEOUT, 10)
    curl.setopt(curl.WRITEDATA, io.BytesIO())
    curl.setopt(curl.HAPROXYPROTOCOL, 1)
    if client:
        curl.setopt(curl.HAPROXY_CLIENT_IP, client)
    curl.perform()
    thread.join(10)
    return first[0]

print(pycurl.version.split(' ')[1])
for client in (None, '192.0.2.7', '2001:db8::7'):
    print(f'{client}: {line(client)}')
END

seen=$(timeout 60 python/bin/python probe.py)
printf '%s\n' "$seen"
[ "$seen" = 'libcurl/8.23.0
None: PROXY TCP4 127.0.0.1 127.0.0.1 <source> <destination>
192.0.2.7: PROXY TCP4 192.0.2.7 192.0.2.7 <source> <destination>
2001:db8::7: PROXY TCP6 2001:db8::7 2001:db8::7 <source> <destination>' ]
