// A peer in Go for the tests of KCP: `client ADDRESS message|stream BYTES` compares an echo, `server` echoes.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/xtaci/kcp-go/v5"
)

func tune(s *kcp.UDPSession) {
	s.SetNoDelay(1, 10, 2, 1)
	s.SetWindowSize(512, 512)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func server() {
	listener, err := kcp.ListenWithOptions("127.0.0.1:0", nil, 0, 0)
	fail(err)
	fmt.Println("listens on", listener.Addr())
	for {
		session, err := listener.AcceptKCP()
		fail(err)
		tune(session)
		go io.Copy(session, session)
	}
}

func client(address string, stream bool, total int) {
	session, err := kcp.DialWithOptions(address, nil, 0, 0)
	fail(err)
	tune(session)
	session.SetStreamMode(stream)
	fail(session.SetDeadline(time.Now().Add(5 * time.Minute)))
	sent := make([]byte, total)
	for i := range sent {
		sent[i] = byte(i*7 + i>>8 + i>>16)
	}
	go func() {
		for at := 0; at < total; at += 8192 {
			_, err := session.Write(sent[at:min(at+8192, total)])
			fail(err)
		}
	}()
	received := make([]byte, total)
	_, err = io.ReadFull(session, received)
	fail(err)
	if !bytes.Equal(sent, received) {
		fail(fmt.Errorf("the echo differs"))
	}
	fmt.Println("same bytes:", total)
}

func main() {
	if os.Args[1] == "server" {
		server()
	}
	total, err := strconv.Atoi(os.Args[4])
	fail(err)
	client(os.Args[2], os.Args[3] == "stream", total)
}
