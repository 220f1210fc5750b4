// Peers in Go for tests, in one program:
//
//	server        echoes WebSockets under /gorilla and /coder
//	gorilla URL   a client of an echo server of WebSockets, and so is coder URL
//	http URL      a client of the server in test/http/judges.test.ts
//	redis ADDRESS a client of examples/redis.ts
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(ok bool, format string, values ...any) {
	if !ok {
		fail(fmt.Errorf(format, values...))
	}
}

func server() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	fmt.Println("listens on", listener.Addr())
	http.HandleFunc("/gorilla", gorillaEcho)
	http.HandleFunc("/coder", coderEcho)
	fail(http.Serve(listener, nil))
}

func main() {
	switch os.Args[1] {
	case "server":
		server()
	case "gorilla":
		gorillaClient(os.Args[2])
	case "coder":
		coderClient(os.Args[2])
	case "redis":
		redisClient(os.Args[2])
	case "http":
		httpClient(os.Args[2])
	}
}
