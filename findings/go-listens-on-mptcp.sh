#!/usr/bin/env bash
# A TCP listener that comes from a Go program is not a TCP socket.
#
# Versions:  Go 1.26.8 (Go module golang.org/toolchain, or the go that is installed); Linux with
#            net.mptcp.enabled = 1, the default (seen on 6.18); Python 3.9 or newer as the child.
# Expected:  net.Listen("tcp", ...) opens a socket of IPPROTO_TCP, and a child that gets it as descriptor 3
#            can set on it and on its connections what tcp(7) lists.
# Seen:      since Go 1.24 its protocol is 262, IPPROTO_MPTCP. The child's accept(2) gives a plain TCP socket for
#            a plain client, and an MPTCP one for a client that speaks it. On the listener and on the
#            latter TCP_USER_TIMEOUT, TCP_QUICKACK and SO_ZEROCOPY fail (ENOPROTOOPT, ENOTSUP), while
#            TCP_NODELAY and TCP_KEEPIDLE work. SO_DOMAIN and SO_TYPE are those of TCP.
# So:        who takes over listeners of others does not give up a connection over an option that it
#            does not know; and supervisors written in Go open theirs with SetMultipathTCP(false).
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > main.go <<'END'
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	config := net.ListenConfig{}
	if os.Args[1] == "off" {
		config.SetMultipathTCP(false)
	}
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		panic(err)
	}
	protocol, _ := syscall.GetsockoptInt(int(file.Fd()), syscall.SOL_SOCKET, 38) // SO_PROTOCOL
	fmt.Println("protocol:", protocol)
	child := exec.Command("python3", "child.py")
	child.ExtraFiles = []*os.File{file} // descriptor 3
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		panic(err)
	}
}
END
cat > child.py <<'END'
import errno, socket

server = socket.socket(fileno=3)
server.setblocking(True)
options = {'TCP_USER_TIMEOUT': (6, 18), 'TCP_QUICKACK': (6, 12), 'SO_ZEROCOPY': (1, 60), 'TCP_NODELAY': (6, 1), 'TCP_KEEPIDLE': (6, 4)}

def refused(one):
    said = []
    for name, (level, option) in options.items():
        try:
            one.setsockopt(level, option, 1)
        except OSError as error:
            said.append(f'{name} {errno.errorcode[error.errno]}')
    return ', '.join(said) or 'nothing'

print('  listener refuses:', refused(server))
for name, protocol in (('plain', socket.IPPROTO_TCP), ('mptcp', 262)):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    client.connect(server.getsockname())
    accepted, _ = server.accept()
    print(f'  {name} client: protocol', accepted.getsockopt(socket.SOL_SOCKET, 38), 'refuses:', refused(accepted))
END

export GOTOOLCHAIN=go1.26.8
timeout 400 go version
timeout 400 go build -o probe main.go
seen=$(
  echo default
  timeout 30 ./probe default
  echo off
  timeout 30 ./probe off
)
printf '%s\n' "$seen"
refused='TCP_USER_TIMEOUT ENOPROTOOPT, TCP_QUICKACK ENOPROTOOPT, SO_ZEROCOPY ENOTSUP'
[ "$seen" = "default
protocol: 262
  listener refuses: $refused
  plain client: protocol 6 refuses: nothing
  mptcp client: protocol 262 refuses: $refused
off
protocol: 6
  listener refuses: nothing
  plain client: protocol 6 refuses: nothing
  mptcp client: protocol 6 refuses: nothing" ]
