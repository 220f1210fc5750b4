// Package head checks the head of an HTTP/1.1 request as the HTTP example of this project does: every
// byte is looked at, and the headers that decide where a request ends are read. Servers that only
// search for the empty line would be compared with a server that does more.
package head

import "bytes"

// Malformed is returned instead of a length.
const Malformed = -1

// Request is what a head says.
type Request struct {
	Method, Target []byte
	Hosts          int
	ContentLength  int
	Chunked        bool
	Close          bool
}

var (
	version          = []byte("HTTP/1.")
	host             = []byte("host")
	connection       = []byte("connection")
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
	closing          = []byte("close")
	chunked          = []byte("chunked")
)

var isToken, isTarget, isField = tables()

func tables() (token, target, field [256]bool) {
	for _, b := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		token[b] = true
	}
	for b := 0; b < 256; b++ {
		target[b] = b > ' ' && b < 0x7f && b != '#'
		field[b] = b == '\t' || b >= ' ' && b != 0x7f
	}
	return
}

func skip(data []byte, from int, table *[256]bool) int {
	for from < len(data) && table[data[from]] {
		from++
	}
	return from
}

// Parse returns how long the head at the start of data is: 0 when it is not whole, or Malformed.
func Parse(data []byte, request *Request) int {
	*request = Request{ContentLength: -1}
	at := skip(data, 0, &isToken)
	if at == len(data) {
		return 0
	}
	if at == 0 || data[at] != ' ' {
		return Malformed
	}
	request.Method = data[:at]
	start := at + 1
	at = skip(data, start, &isTarget)
	if at == len(data) {
		return 0
	}
	if at == start || data[at] != ' ' {
		return Malformed
	}
	request.Target = data[start:at]
	at++
	if len(data)-at < len("HTTP/1.1\r\n") {
		return 0
	}
	digit := data[at+7]
	if !bytes.Equal(data[at:at+7], version) || digit < '0' || digit > '9' || data[at+8] != '\r' || data[at+9] != '\n' {
		return Malformed
	}
	return parseHeaders(data, at+10, request)
}

func parseHeaders(data []byte, at int, request *Request) int {
	for {
		if at >= len(data) {
			return 0
		}
		if data[at] == '\r' {
			if at+1 == len(data) {
				return 0
			}
			if data[at+1] != '\n' || request.Hosts != 1 {
				return Malformed
			}
			return at + 2
		}
		name := at
		at = skip(data, at, &isToken)
		if at == len(data) {
			return 0
		}
		if at == name || data[at] != ':' {
			return Malformed
		}
		nameEnd := at
		value := at + 1
		at = skip(data, value, &isField)
		if len(data)-at < 2 {
			return 0
		}
		if data[at] != '\r' || data[at+1] != '\n' {
			return Malformed
		}
		if !note(data[name:nameEnd], data[value:at], request) {
			return Malformed
		}
		at += 2
	}
}

func note(name, value []byte, request *Request) bool {
	switch len(name) {
	case len(host):
		if bytes.EqualFold(name, host) {
			request.Hosts++
		}
	case len(connection):
		if bytes.EqualFold(name, connection) && bytes.EqualFold(bytes.TrimSpace(value), closing) {
			request.Close = true
		}
	case len(contentLength):
		if bytes.EqualFold(name, contentLength) {
			return noteLength(bytes.TrimSpace(value), request)
		}
	case len(transferEncoding):
		if bytes.EqualFold(name, transferEncoding) {
			request.Chunked = true
			return bytes.EqualFold(bytes.TrimSpace(value), chunked)
		}
	}
	return true
}

func noteLength(digits []byte, request *Request) bool {
	if len(digits) == 0 || len(digits) > 9 || request.ContentLength >= 0 {
		return false
	}
	request.ContentLength = 0
	for _, digit := range digits {
		if digit < '0' || digit > '9' {
			return false
		}
		request.ContentLength = request.ContentLength*10 + int(digit-'0')
	}
	return true
}
