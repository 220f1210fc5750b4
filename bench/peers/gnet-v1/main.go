// Servers over gnet v1, the framework that this project is a port of.
//
// usage: server echo ADDRESS LOOPS | server http ADDRESS LOOPS, with ADDRESS as tcp://127.0.0.1:9000
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"bench/go-head"
	"github.com/panjf2000/gnet"
)

type echo struct{ gnet.EventServer }

func (echo) React(frame []byte, _ gnet.Conn) ([]byte, gnet.Action) {
	return frame, gnet.None
}

var (
	endOfHead = []byte("\r\n\r\n")
	get       = []byte("GET")
	plaintext = []byte("/plaintext")
	notFound  = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

// The answer with the date of this second; loops only read it.
var answer atomic.Pointer[[]byte]

func keepDate() {
	for {
		bytes := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: gnet\r\nContent-Type: text/plain\r\n"+
			"Date: %s\r\nContent-Length: 13\r\n\r\nHello, World!",
			time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
		answer.Store(&bytes)
		time.Sleep(time.Second)
	}
}

// Cuts requests without a body out of the stream and answers them in one write.
type web struct{ gnet.EventServer }

// What a connection answers is gathered here: several loops share the handler.
type gathered struct {
	request head.Request
	out     []byte
}

func (web) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&gathered{})
	return nil, gnet.None
}

// A frame here is one or more whole requests: see wholeHeads.
func (web) React(frame []byte, c gnet.Conn) ([]byte, gnet.Action) {
	w := c.Context().(*gathered)
	whole := *answer.Load()
	w.out = w.out[:0]
	for len(frame) > 0 {
		length := head.Parse(frame, &w.request)
		if length <= 0 || w.request.Chunked || w.request.ContentLength > 0 {
			return nil, gnet.Close
		}
		if bytes.Equal(w.request.Method, get) && bytes.Equal(w.request.Target, plaintext) {
			w.out = append(w.out, whole...)
		} else {
			w.out = append(w.out, notFound...)
		}
		frame = frame[length:]
	}
	return w.out, gnet.None
}

// Hands out whole requests only; what is left of a cut one stays in the connection's buffer.
type wholeHeads struct{}

func (wholeHeads) Encode(_ gnet.Conn, bytes []byte) ([]byte, error) { return bytes, nil }

func (wholeHeads) Decode(c gnet.Conn) ([]byte, error) {
	all := c.Read()
	end := bytes.LastIndex(all, endOfHead)
	if end < 0 {
		return nil, nil
	}
	whole := end + len(endOfHead)
	c.ShiftN(whole)
	return all[:whole], nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: server echo ADDRESS LOOPS | server http ADDRESS LOOPS")
		os.Exit(2)
	}
	loops, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	options := []gnet.Option{gnet.WithNumEventLoop(loops), gnet.WithTCPNoDelay(gnet.TCPNoDelay)}
	var handler gnet.EventHandler = &echo{}
	if os.Args[1] == "http" {
		go keepDate()
		for answer.Load() == nil {
			time.Sleep(time.Millisecond)
		}
		handler = &web{}
		options = append(options, gnet.WithCodec(wholeHeads{}))
	}
	if err := gnet.Serve(handler, os.Args[2], options...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
