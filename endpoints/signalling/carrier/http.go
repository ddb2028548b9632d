package carrier

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxHead and maxBody bound what a peer may make an end keep.
const (
	maxHead = 1 << 14
	maxBody = 1 << 20
)

// errHead says that the head of a message has no end.
var errHead = errors.New("carrier: the head of an HTTP message is too long")

// complete reports whether octets begin with the whole head of a message of HTTP.
func complete(b []byte) (bool, error) {
	if bytes.Contains(b, []byte("\r\n\r\n")) {
		return true, nil
	}
	if len(b) > maxHead {
		return false, errHead
	}
	return false, nil
}

// readRequest reads a request at the beginning of a stream. It returns nil if there is more to come.
func (s *stream) readRequest() (*http.Request, []byte, error) {
	if whole, err := complete(s.in); !whole {
		return nil, nil, err
	}
	r := bytes.NewReader(s.in)
	buffered := bufio.NewReader(r)
	q, err := http.ReadRequest(buffered)
	if err != nil {
		return nil, nil, fmt.Errorf("carrier: %w", err)
	}
	body, err := s.readBody(q.Body, q.ContentLength, r, buffered)
	if body == nil {
		return nil, nil, err
	}
	return q, body, nil
}

// readResponse reads a response in the same way.
func (s *stream) readResponse(to *http.Request) (*http.Response, []byte, error) {
	if whole, err := complete(s.in); !whole {
		return nil, nil, err
	}
	r := bytes.NewReader(s.in)
	buffered := bufio.NewReader(r)
	p, err := http.ReadResponse(buffered, to)
	if err != nil {
		return nil, nil, fmt.Errorf("carrier: %w", err)
	}
	body, err := s.readBody(p.Body, p.ContentLength, r, buffered)
	if body == nil {
		return nil, nil, err
	}
	return p, body, nil
}

// readBody reads a body whose length its head gives. It returns nil if there is more to come.
func (s *stream) readBody(from io.Reader, length int64, r *bytes.Reader, buffered *bufio.Reader) ([]byte, error) {
	if length < 0 || length > maxBody {
		return nil, fmt.Errorf("carrier: a body of %d octets", length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(from, body); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("carrier: %w", err)
	}
	s.taken(len(s.in) - r.Len() - buffered.Buffered())
	return body, nil
}
