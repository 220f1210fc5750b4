// HTTP over gnet v2 the way the HTTP example of its authors does it: the parser of wildcat takes each
// head apart, every path has the same answer, and each answer gets a date that is formatted anew.
// Requests have no body: the parser would remember the length of the first one for all that follow.
// `../gnet-v2` is the same server without these two costs, for a comparison of the frameworks alone.
//
// usage: server http ADDRESS LOOPS, with ADDRESS as tcp://127.0.0.1:8080
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/evanphx/wildcat"
	"github.com/panjf2000/gnet/v2"
)

const (
	beforeDate = "HTTP/1.1 200 OK\r\nServer: gnet\r\nContent-Type: text/plain\r\nDate: "
	dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"
	afterDate  = "\r\nContent-Length: 13\r\n\r\nHello, World!"
)

type web struct{ gnet.BuiltinEventEngine }

// What belongs to a connection: several loops share the handler.
type session struct {
	parser *wildcat.HTTPParser
	out    []byte
}

func (web) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&session{parser: wildcat.NewHTTPParser()})
	return nil, gnet.None
}

func (web) OnTraffic(c gnet.Conn) gnet.Action {
	s := c.Context().(*session)
	s.out = s.out[:0]
	all, _ := c.Peek(-1)
	done := 0
	for done < len(all) {
		head, err := s.parser.Parse(all[done:])
		if errors.Is(err, wildcat.ErrMissingData) {
			break // the rest is still to come
		}
		if err != nil {
			return gnet.Close
		}
		done += head
		s.out = append(s.out, beforeDate...)
		s.out = time.Now().UTC().AppendFormat(s.out, dateFormat)
		s.out = append(s.out, afterDate...)
	}
	if done == 0 {
		return gnet.None // Discard(0) would drop everything
	}
	if _, err := c.Discard(done); err != nil {
		return gnet.Close
	}
	if _, err := c.Write(s.out); err != nil {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	if len(os.Args) != 4 || os.Args[1] != "http" {
		fmt.Fprintln(os.Stderr, "usage: server http ADDRESS LOOPS")
		os.Exit(2)
	}
	loops, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = gnet.Run(&web{}, os.Args[2],
			gnet.WithNumEventLoop(loops), gnet.WithTCPNoDelay(gnet.TCPNoDelay))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
