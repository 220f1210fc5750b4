// Servers over gnet v2.
//
// usage: server echo ADDRESS | server http ADDRESS, with ADDRESS as tcp://127.0.0.1:9000
package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

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

const dateLifetime = time.Second

var (
	endOfHead = []byte("\r\n\r\n")
	wanted    = []byte("GET /plaintext HTTP/1.1\r\n")
	notFound  = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

// Cuts requests without a body out of the stream and answers them in one write.
type web struct {
	gnet.BuiltinEventEngine
	answer []byte
	dated  time.Time
	out    []byte
}

func (w *web) OnTraffic(c gnet.Conn) gnet.Action {
	if now := time.Now(); now.Sub(w.dated) >= dateLifetime {
		w.dated = now
		w.answer = []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: gnet\r\nContent-Type: text/plain\r\n"+
			"Date: %s\r\nContent-Length: 13\r\n\r\nHello, World!",
			now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
	}
	all, _ := c.Peek(-1)
	rest := all
	w.out = w.out[:0]
	for {
		end := bytes.Index(rest, endOfHead)
		if end < 0 {
			break
		}
		if bytes.HasPrefix(rest, wanted) {
			w.out = append(w.out, w.answer...)
		} else {
			w.out = append(w.out, notFound...)
		}
		rest = rest[end+len(endOfHead):]
	}
	if _, err := c.Discard(len(all) - len(rest)); err != nil {
		return gnet.Close
	}
	if len(w.out) > 0 {
		if _, err := c.Write(w.out); err != nil {
			return gnet.Close
		}
	}
	return gnet.None
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: server echo ADDRESS | server http ADDRESS")
		os.Exit(2)
	}
	var handler gnet.EventHandler = &echo{}
	if os.Args[1] == "http" {
		handler = &web{}
	}
	err := gnet.Run(handler, os.Args[2],
		gnet.WithNumEventLoop(1), gnet.WithTCPNoDelay(gnet.TCPNoDelay))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
