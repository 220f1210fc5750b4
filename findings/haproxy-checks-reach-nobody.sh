#!/usr/bin/env bash
# HAProxy's plain health check never reaches the program that it checks, and finds it well.
#
# Versions:  HAProxy 2.6.12, as Debian 12 has it (the one that is installed); Linux (seen on 6.18); Python
#            3.9 or newer as the server.
# Expected:  a `check` connects and closes: the server accepts a connection that ends or is reset without
#            a byte, once each interval; and one that accepts nobody is found to be down when its backlog
#            is full.
# Seen:      in 2 s with `check inter 100ms` accept(2) returns nothing at all, and the server is UP ("L4OK"):
#            HAProxy has the kernel hold back the last acknowledgement of the handshake and resets instead,
#            so the connection never enters the backlog. With send-proxy the same line makes some twenty
#            connections, each with a header of the check's own addresses, and reset by then.
# So:        such a check says that the port is open, not that the server serves; a program that counts
#            or logs connections sees the checks or not, by a word that is not about checks.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
haproxy -v | head -1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > check.py <<'END'
import socket, subprocess, time

def checked(words):
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    server.listen(1)
    with open('haproxy.cfg', 'w') as config:
        config.write(f'''global
  stats socket unix@{words or 'plain'}.sock
defaults
  mode tcp
  timeout connect 2s
  timeout client 2s
  timeout server 2s
listen one
  bind unix@front-{words or 'plain'}.sock
  server s 127.0.0.1:{server.getsockname()[1]} check inter 100ms {words}
''')
    with subprocess.Popen(['haproxy', '-f', 'haproxy.cfg', '-db'], stderr=subprocess.DEVNULL) as proxy:
        heads, end = [], time.monotonic() + 2
        while (left := end - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                with server.accept()[0] as one:
                    one.settimeout(2)
                    heads.append(one.recv(200).decode('latin-1').split(' ')[0])
            except socket.timeout:
                pass
            except OSError:
                heads.append('')
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(5)
            stats.connect(f"{words or 'plain'}.sock")
            stats.sendall(b'show stat\n')
            row = next(row for row in stats.makefile() if row.startswith('one,s,')).split(',')
        proxy.terminate()
    number = 'none' if not heads else 'some' if len(heads) > 5 else len(heads)
    return f"accepted {number} {sorted(set(heads))}, {row[17]} {row[36]}"

print('check:', checked(''))
print('check send-proxy:', checked('send-proxy'))
END

seen=$(timeout 60 python3 check.py)
printf '%s\n' "$seen"
[ "$seen" = "check: accepted none [], UP L4OK
check send-proxy: accepted some ['PROXY'], UP L4OK" ]
