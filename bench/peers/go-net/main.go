// Servers over the standard library of Go, one processor: a goroutine for every connection.
//
// usage: server tcp PORT | server unix PATH | server udp PORT | server http PORT |
//        server tls PORT CERT KEY | server https PORT CERT KEY
package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

const bufferBytes = 65536

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, bufferBytes)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func serveStreams(network, address string) error {
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return accept(listener)
}

func serveTLS(address, cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	listener, err := tls.Listen("tcp4", address, config)
	if err != nil {
		return err
	}
	return accept(listener)
}

func accept(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go echo(connection)
	}
}

func serveDatagrams(address string) error {
	socket, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	connection := socket.(*net.UDPConn)
	buffer := make([]byte, bufferBytes)
	for {
		length, peer, err := connection.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return err
		}
		// A datagram that cannot be sent is skipped, as UDP does.
		_, _ = connection.WriteToUDPAddrPort(buffer[:length], peer)
	}
}

func handlePlaintext() {
	http.HandleFunc("/plaintext", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Server", "go")
		_, _ = io.WriteString(w, "Hello, World!")
	})
}

func serveHTTP(address string) error {
	handlePlaintext()
	return http.ListenAndServe(address, nil)
}

func serveHTTPS(address, cert, key string) error {
	handlePlaintext()
	return http.ListenAndServeTLS(address, cert, key, nil)
}

func serve(kind, address string) error {
	switch kind {
	case "tcp":
		return serveStreams("tcp4", "127.0.0.1:"+address)
	case "unix":
		return serveStreams("unix", address)
	case "udp":
		return serveDatagrams("127.0.0.1:" + address)
	case "http":
		return serveHTTP("127.0.0.1:" + address)
	}
	return errors.New(usage)
}

const usage = "usage: server tcp PORT | unix PATH | udp PORT | http PORT | tls PORT CERT KEY | https PORT CERT KEY"

func main() {
	if len(os.Args) == 5 && os.Args[1] == "tls" {
		log.Fatal(serveTLS("127.0.0.1:"+os.Args[2], os.Args[3], os.Args[4]))
	}
	if len(os.Args) == 5 && os.Args[1] == "https" {
		log.Fatal(serveHTTPS("127.0.0.1:"+os.Args[2], os.Args[3], os.Args[4]))
	}
	if len(os.Args) != 3 {
		log.Fatal(usage)
	}
	log.Fatal(serve(os.Args[1], os.Args[2]))
}
