// Servers over gnet v1, the framework that this project is a port of.
//
// usage: server echo ADDRESS | server http ADDRESS, with ADDRESS as tcp://127.0.0.1:9000
package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/panjf2000/gnet"
)

type echo struct{ gnet.EventServer }

func (echo) React(frame []byte, _ gnet.Conn) ([]byte, gnet.Action) {
	return frame, gnet.None
}

const dateLifetime = time.Second

var (
	endOfHead = []byte("\r\n\r\n")
	wanted    = []byte("GET /plaintext HTTP/1.1\r\n")
	notFound  = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

// Cuts requests without a body out of the stream and answers them in one write.
type web struct {
	gnet.EventServer
	answer []byte
	dated  time.Time
	out    []byte
}

// A frame here is one or more whole requests: see wholeHeads.
func (w *web) React(frame []byte, c gnet.Conn) ([]byte, gnet.Action) {
	if now := time.Now(); now.Sub(w.dated) >= dateLifetime {
		w.dated = now
		w.answer = []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: gnet\r\nContent-Type: text/plain\r\n"+
			"Date: %s\r\nContent-Length: 13\r\n\r\nHello, World!",
			now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
	}
	w.out = w.out[:0]
	for {
		end := bytes.Index(frame, endOfHead)
		if end < 0 {
			break
		}
		if bytes.HasPrefix(frame, wanted) {
			w.out = append(w.out, w.answer...)
		} else {
			w.out = append(w.out, notFound...)
		}
		frame = frame[end+len(endOfHead):]
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
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: server echo ADDRESS | server http ADDRESS")
		os.Exit(2)
	}
	options := []gnet.Option{gnet.WithNumEventLoop(1), gnet.WithTCPNoDelay(gnet.TCPNoDelay)}
	var handler gnet.EventHandler = &echo{}
	if os.Args[1] == "http" {
		handler = &web{}
		options = append(options, gnet.WithCodec(wholeHeads{}))
	}
	if err := gnet.Serve(handler, os.Args[2], options...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
