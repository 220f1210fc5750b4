// Speaks to examples/codec/server.ts without any of this project's code: sends frames with a
// 4-byte big-endian length, of many sizes and cut at odd places, and checks every echo.
//
//	go run test/examples/go-client/main.go 127.0.0.1:9000
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Bytes per write: not a divisor of any frame, so that writes and frames never agree.
const pieceLength = 1013

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func payloads() [][]byte {
	sizes := []int{5, 0, 1, 3, 4, 255, 256, 1024, 65535, 65536, 300000, 0, 2}
	all := [][]byte{[]byte("hello"), []byte("world")}
	for number, size := range sizes {
		payload := make([]byte, size)
		for index := range payload {
			payload[index] = byte(index*7 + number)
		}
		all = append(all, payload)
	}
	return all
}

func send(conn net.Conn, all [][]byte) error {
	var stream bytes.Buffer
	for _, payload := range all {
		var header [4]byte
		binary.BigEndian.PutUint32(header[:], uint32(len(payload)))
		stream.Write(header[:])
		stream.Write(payload)
	}
	for stream.Len() > 0 {
		if _, err := conn.Write(stream.Next(pieceLength)); err != nil {
			return err
		}
	}
	return conn.(*net.TCPConn).CloseWrite()
}

func check(conn net.Conn, all [][]byte) error {
	for number, payload := range all {
		var header [4]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return fmt.Errorf("frame %d: %w", number, err)
		}
		echo := make([]byte, binary.BigEndian.Uint32(header[:]))
		if _, err := io.ReadFull(conn, echo); err != nil {
			return fmt.Errorf("frame %d: %w", number, err)
		}
		if !bytes.Equal(echo, payload) {
			return fmt.Errorf("frame %d came back different", number)
		}
	}
	rest, err := io.ReadAll(conn)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes came after the last frame", len(rest))
	}
	return err
}

func run(address string) error {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	all := payloads()
	sent := make(chan error, 1)
	go func() { sent <- send(conn, all) }()
	if err := check(conn, all); err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	fmt.Printf("%d frames came back\n", len(all))
	return nil
}
