package carrier

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

// The streams of polling: requests for messages, and messages of the client. A request that waits at the server doesn't
// hold the client's messages up.
const (
	asking  = 0
	telling = 1
)

// PollClient asks a server for messages by requests of HTTP, and sends its own as requests, too.
type PollClient struct {
	inbox
	parse   Parse
	target  string
	host    string
	period  time.Duration // 0 with long polling
	streams [2]stream
	next    simtime.Time // when it asks; simtime.Never while it waits for an answer
	due     simtime.Time // when it would ask if the answer were there
	waiting []signalling.Message
	posting bool
}

// NewPollClient returns the end of a client that asks a host, every period; with 0 as soon as it has an answer. It asks first at
// a time.
func NewPollClient(client, host string, parse Parse, period time.Duration, first simtime.Time) *PollClient {
	return &PollClient{target: target(client), host: host, parse: parse, period: period, next: simtime.Never, due: first}
}

// Streams returns 2.
func (*PollClient) Streams() int { return 2 }

// Open says that a stream can take octets.
func (c *PollClient) Open(now simtime.Time, stream int) {
	c.streams[stream].open = true
	if stream == asking {
		c.again(now)
		c.HandleTimeout(now)
	}
}

// again plans the next request: at a whole number of periods from the first one.
func (c *PollClient) again(now simtime.Time) {
	if late := now.Sub(c.due); c.period > 0 && late > 0 {
		c.due = c.due.Add((late + c.period - 1) / c.period * c.period)
	}
	c.next = max(now, c.due)
}

// Send sends a message, with those that wait for the answer to an earlier one.
func (c *PollClient) Send(_ simtime.Time, m signalling.Message) { c.waiting = append(c.waiting, m) }

// post tells the server what there is to tell.
func (c *PollClient) post() {
	c.posting = true
	body := list(c.waiting)
	c.waiting = nil
	c.streams[telling].out = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		c.target, c.host, len(body), body)
}

// Feed takes octets.
func (c *PollClient) Feed(now simtime.Time, stream int, b []byte) error {
	s := &c.streams[stream]
	s.in = append(s.in, b...)
	for len(s.in) > 0 {
		p, body, err := s.readResponse(nil)
		if err != nil || p == nil {
			return err
		}
		if p.StatusCode >= http.StatusBadRequest {
			return fmt.Errorf("carrier: the server says %s", p.Status)
		}
		if stream == telling {
			c.posting = false
			continue
		}
		if len(body) > 0 {
			messages, err := parseList(body, c.parse)
			if err != nil {
				return err
			}
			c.messages = append(c.messages, messages...)
		}
		if c.period > 0 {
			c.due = c.due.Add(c.period)
		}
		c.again(now)
		c.HandleTimeout(now)
	}
	return nil
}

// Output returns octets to send.
func (c *PollClient) Output(stream int) []byte {
	if stream == telling && !c.posting && len(c.waiting) > 0 {
		c.post()
	}
	return c.streams[stream].output()
}

// HandleTimeout asks for messages when it is time.
func (c *PollClient) HandleTimeout(now simtime.Time) {
	if c.next > now {
		return
	}
	c.next = simtime.Never
	c.streams[asking].out = fmt.Appendf(c.streams[asking].out, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.target, c.host)
}

// NextTimeout returns when it asks.
func (c *PollClient) NextTimeout() simtime.Time { return c.next }

// PollServer keeps messages until they are asked for.
type PollServer struct {
	inbox
	parse   Parse
	hold    time.Duration // how long a request may wait for a message; 0 answers at once
	streams [2]stream
	waiting []signalling.Message
	asked   bool
	until   simtime.Time
}

// NewPollServer returns the end that is asked. With a time to hold, a request without a message waits for one (long
// polling).
func NewPollServer(parse Parse, hold time.Duration) *PollServer {
	return &PollServer{parse: parse, hold: hold, until: simtime.Never}
}

// Streams returns 2.
func (*PollServer) Streams() int { return 2 }

// Open says that a stream can take octets.
func (s *PollServer) Open(_ simtime.Time, stream int) { s.streams[stream].open = true }

// Send keeps a message for the request that waits for it, or for the next one.
func (s *PollServer) Send(_ simtime.Time, m signalling.Message) { s.waiting = append(s.waiting, m) }

func (s *PollServer) answer() {
	s.asked, s.until = false, simtime.Never
	out := &s.streams[asking].out
	if len(s.waiting) == 0 {
		*out = append(*out, "HTTP/1.1 204 No Content\r\n\r\n"...)
		return
	}
	body := list(s.waiting)
	s.waiting = nil
	*out = fmt.Appendf(*out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Feed takes octets.
func (s *PollServer) Feed(now simtime.Time, stream int, b []byte) error {
	in := &s.streams[stream]
	in.in = append(in.in, b...)
	for len(in.in) > 0 {
		q, body, err := in.readRequest()
		if err != nil || q == nil {
			return err
		}
		switch {
		case stream == asking && q.Method == http.MethodGet:
			s.asked, s.until = true, now.Add(s.hold)
			if s.hold == 0 {
				s.answer()
			}
		case stream == telling && q.Method == http.MethodPost:
			messages, err := parseList(body, s.parse)
			if err != nil {
				return err
			}
			s.messages = append(s.messages, messages...)
			in.out = append(in.out, "HTTP/1.1 204 No Content\r\n\r\n"...)
		default:
			return fmt.Errorf("carrier: no %s here", q.Method)
		}
	}
	return nil
}

// Output returns octets to send.
func (s *PollServer) Output(stream int) []byte {
	if stream == asking && s.asked && len(s.waiting) > 0 {
		s.answer()
	}
	return s.streams[stream].output()
}

// HandleTimeout answers a request for which nothing has come.
func (s *PollServer) HandleTimeout(now simtime.Time) {
	if s.until <= now {
		s.answer()
	}
}

// NextTimeout returns when a request has waited long enough.
func (s *PollServer) NextTimeout() simtime.Time { return s.until }

// list writes messages as an array.
func list(messages []signalling.Message) []byte {
	raw := make([]json.RawMessage, len(messages))
	for i, m := range messages {
		raw[i] = m.Marshal()
	}
	b, err := json.Marshal(raw)
	if err != nil {
		panic("carrier: " + err.Error()) // messages are JSON
	}
	return b
}

func parseList(b []byte, parse Parse) ([]signalling.Message, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("carrier: a list of messages: %w", err)
	}
	messages := make([]signalling.Message, len(raw))
	for i, r := range raw {
		var err error
		if messages[i], err = parse(r); err != nil {
			return nil, err
		}
	}
	return messages, nil
}
