// A client of crypto/tls: sends 100,000 bytes, reads them back, and does it again on a resumed session.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

func main() {
	pem, err := os.ReadFile(os.Args[2])
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		RootCAs:            roots,
		ServerName:         "localhost",
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}
	if os.Args[3] == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	data := bytes.Repeat([]byte("0123456789"), 10_000)
	for round := 0; round < 2; round++ {
		conn, err := tls.Dial("tcp", os.Args[1], config)
		check(err)
		go conn.Write(data)
		got := make([]byte, len(data))
		_, err = io.ReadFull(conn, got)
		check(err)
		state := conn.ConnectionState()
		fmt.Printf("%x %v %v\n", state.Version, bytes.Equal(got, data), state.DidResume)
		check(conn.CloseWrite())
		_, err = conn.Read(got)
		if err != io.EOF {
			check(fmt.Errorf("no close_notify: %w", err))
		}
		conn.Close()
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
