// A client of crypto/tls: sends 100,000 bytes, reads them back, and does it again on a resumed session.
// And a server that sends back what comes, to clients with a certificate.
//
// usage: main ADDRESS CA VERSION | main server CERT KEY CA VERSION
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
		return
	}
	config := &tls.Config{
		RootCAs:            roots(os.Args[2]),
		ServerName:         "localhost",
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
		MaxVersion:         version(os.Args[3]),
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

func serve(cert, key, ca, only string) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    roots(ca),
		NextProtos:   []string{"echo"},
		MaxVersion:   version(only),
	})
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		check(err)
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

func roots(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

func version(name string) uint16 {
	if name == "1.2" {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
