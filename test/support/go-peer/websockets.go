package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

const (
	text   = 1
	binary = 2
)

// Of both kinds, of all lengths, and some that compress well.
func messages() (kinds []int, all [][]byte) {
	for _, length := range []int{0, 1, 125, 126, 5_000, 65_535, 65_536, 1_000_000} {
		kinds = append(kinds, text, binary)
		payload := []byte(strings.Repeat("a text that repeats itself, é ", length/30+1)[:length/30*31])
		all = append(all, payload, bytes.Repeat([]byte{0xff, 0, byte(length)}, length/3))
	}
	return
}

// -- gorilla ----------------------------------------------------------------------------------------

func gorillaClient(url string) {
	for _, compress := range []bool{false, true} {
		dialer := gorilla.Dialer{EnableCompression: compress, WriteBufferSize: 1024}
		c, answer, err := dialer.Dial(url, nil)
		fail(err)
		agreed := answer.Header.Get("Sec-WebSocket-Extensions") != ""
		check(agreed == compress, "compression: %v, wanted %v", agreed, compress)
		echo := func(kind int, payload []byte) {
			gotKind, got, err := c.ReadMessage()
			fail(err)
			check(gotKind == kind && bytes.Equal(got, payload), "another message comes back")
		}
		kinds, all := messages()
		for i, payload := range all {
			fail(c.WriteMessage(kinds[i], payload))
			echo(kinds[i], payload)
		}
		// In fragments, as its buffer fills.
		writer, err := c.NextWriter(gorilla.TextMessage)
		fail(err)
		for i := 0; i < 500; i++ {
			_, err = writer.Write([]byte("0123456789"))
			fail(err)
		}
		ponged := ""
		c.SetPongHandler(func(data string) error { ponged = data; return nil })
		fail(c.WriteControl(gorilla.PingMessage, []byte("ping"), time.Now().Add(time.Minute)))
		fail(writer.Close())
		echo(text, bytes.Repeat([]byte("0123456789"), 500))
		check(ponged == "ping", "no answer to a ping between fragments")
		goodbye := gorilla.FormatCloseMessage(4321, "enough")
		fail(c.WriteControl(gorilla.CloseMessage, goodbye, time.Now().Add(time.Minute)))
		_, _, err = c.ReadMessage()
		check(gorilla.IsCloseError(err, 4321), "closed by %v", err)
		c.Close()
	}
}

func gorillaEcho(w http.ResponseWriter, r *http.Request) {
	upgrader := gorilla.Upgrader{EnableCompression: true, WriteBufferSize: 1024}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, payload, err := c.ReadMessage()
		if err != nil {
			return
		}
		// Through a writer: longer ones leave in fragments.
		writer, err := c.NextWriter(kind)
		fail(err)
		writer.Write(payload)
		writer.Close()
	}
}

// -- coder ------------------------------------------------------------------------------------------

func coderClient(url string) {
	ctx := context.Background()
	modes := []coder.CompressionMode{
		coder.CompressionDisabled, coder.CompressionNoContextTakeover, coder.CompressionContextTakeover,
	}
	for _, mode := range modes {
		options := &coder.DialOptions{CompressionMode: mode, CompressionThreshold: 100}
		c, answer, err := coder.Dial(ctx, url, options)
		fail(err)
		agreed := answer.Header.Get("Sec-WebSocket-Extensions") != ""
		check(agreed == (mode != coder.CompressionDisabled), "compression: %v", agreed)
		c.SetReadLimit(-1)
		echo := func(kind int, payload []byte) {
			gotKind, got, err := c.Read(ctx)
			fail(err)
			check(int(gotKind) == kind && bytes.Equal(got, payload), "another message comes back")
		}
		kinds, all := messages()
		for i, payload := range all {
			fail(c.Write(ctx, coder.MessageType(kinds[i]), payload))
			echo(kinds[i], payload)
		}
		writer, err := c.Writer(ctx, coder.MessageText)
		fail(err)
		for i := 0; i < 500; i++ {
			_, err = writer.Write([]byte("0123456789"))
			fail(err)
		}
		fail(writer.Close())
		echo(text, bytes.Repeat([]byte("0123456789"), 500))
		// Its ping waits until somebody reads the answer.
		reading := c.CloseRead(ctx)
		fail(c.Ping(ctx))
		fail(c.Close(4321, "enough"))
		<-reading.Done()
	}
}

func coderEcho(w http.ResponseWriter, r *http.Request) {
	options := &coder.AcceptOptions{
		CompressionMode: coder.CompressionContextTakeover, CompressionThreshold: 100,
	}
	c, err := coder.Accept(w, r, options)
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, payload, err := c.Read(r.Context())
		if err != nil {
			return
		}
		fail(c.Write(r.Context(), kind, payload))
	}
}
