// Servers over gnet v2.
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
	"github.com/panjf2000/gnet/v2"
)

type echo struct{ gnet.BuiltinEventEngine }

func (echo) OnTraffic(c gnet.Conn) gnet.Action {
	all, _ := c.Next(-1)
	if _, err := c.Write(all); err != nil {
		return gnet.Close
	}
	return gnet.None
}

var (
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
type web struct{ gnet.BuiltinEventEngine }

// What a connection answers is gathered here: several loops share the handler.
type gathered struct {
	request head.Request
	out     []byte
}

func (web) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&gathered{})
	return nil, gnet.None
}

func (web) OnTraffic(c gnet.Conn) gnet.Action {
	w := c.Context().(*gathered)
	whole := *answer.Load()
	all, _ := c.Peek(-1)
	rest := all
	w.out = w.out[:0]
	for len(rest) > 0 {
		length := head.Parse(rest, &w.request)
		if length == head.Malformed || w.request.Chunked || w.request.ContentLength > 0 {
			return gnet.Close
		}
		if length == 0 {
			break
		}
		if bytes.Equal(w.request.Method, get) && bytes.Equal(w.request.Target, plaintext) {
			w.out = append(w.out, whole...)
		} else {
			w.out = append(w.out, notFound...)
		}
		rest = rest[length:]
	}
	if len(rest) == len(all) {
		return gnet.None // Discard(0) would drop everything
	}
	if _, err := c.Discard(len(all) - len(rest)); err != nil {
		return gnet.Close
	}
	if _, err := c.Write(w.out); err != nil {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: server echo ADDRESS LOOPS | server http ADDRESS LOOPS")
		os.Exit(2)
	}
	var handler gnet.EventHandler = &echo{}
	if os.Args[1] == "http" {
		go keepDate()
		for answer.Load() == nil {
			time.Sleep(time.Millisecond)
		}
		handler = &web{}
	}
	loops, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	err = gnet.Run(handler, os.Args[2],
		gnet.WithNumEventLoop(loops), gnet.WithTCPNoDelay(gnet.TCPNoDelay))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
