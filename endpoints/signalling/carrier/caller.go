package carrier

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// path is where servers have their signalling; below it each client has what is its own.
const path = "/signalling/"

// target is what the requests of a client are for.
func target(client string) string { return path + url.PathEscape(client) }

// methods are those of the requests on a client's streams.
var methods = [...]string{asking: http.MethodGet, telling: http.MethodPost}

// maxLine bounds the first line of a connection (RFC 9112 §3).
const maxLine = 8000

// ErrIncomplete says that the first line of a connection isn't there yet.
var ErrIncomplete = errors.New("carrier: the first line isn't whole")

// Caller reads from the first line of a connection to a server of HTTP which client has opened it, and as which of its streams.
// What addresses say of that nobody knows, as a NAT gives others to packets. It returns [ErrIncomplete] if there is more to come;
// any other error says that the connection is nobody's.
func Caller(b []byte) (client string, stream int, err error) {
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	switch {
	case !whole && len(b) < maxLine+len("\r\n"):
		return "", 0, ErrIncomplete
	case len(line) > maxLine:
		return "", 0, fmt.Errorf("carrier: a first line of more than %d octets", maxLine)
	}
	method, rest, _ := strings.Cut(string(line), " ")
	where, version, _ := strings.Cut(rest, " ")
	escaped, here := strings.CutPrefix(where, path)
	stream = slices.Index(methods[:], method)
	client, err = url.PathUnescape(escaped)
	if !here || client == "" || err != nil || stream < 0 || version != "HTTP/1.1" {
		return "", 0, fmt.Errorf("carrier: nobody's connection: %.100q", line)
	}
	return client, stream, nil
}
