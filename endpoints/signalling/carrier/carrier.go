// Package carrier takes messages of signalling from node to node as octets of streams: over WebSocket (RFC 6455), by
// requests of HTTP/1.1 that ask for them (RFC 9112), or as SIP has it (RFC 3261 §18.3). Streams are reliable and in order,
// as TCP's; there is no TLS.
package carrier

import (
	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

// End is one end of what carries messages between two nodes. It is passive: after any other method its host takes what
// Output has for each stream, what PollMessage has, and reads NextTimeout again.
type End interface {
	// Streams is how many streams there are. The client opens all of them.
	Streams() int
	// Open says that a stream can take octets from now on.
	Open(now simtime.Time, stream int)
	// Send sends a message, when it can.
	Send(now simtime.Time, m signalling.Message)
	// Feed takes octets that came on a stream. An error says that they are none of this carrier's: nothing else
	// will come of the stream.
	Feed(now simtime.Time, stream int, b []byte) error
	// Output returns octets to send on a stream; nil if there are none.
	Output(stream int) []byte
	// PollMessage returns a message that has come; nil when drained.
	PollMessage() signalling.Message
	HandleTimeout(now simtime.Time)
	NextTimeout() simtime.Time
}

// Parse reads one message.
type Parse func(b []byte) (signalling.Message, error)

// inbox is what has come and hasn't been polled.
type inbox struct{ messages []signalling.Message }

// PollMessage returns a message that has come; nil when drained.
func (i *inbox) PollMessage() signalling.Message {
	if len(i.messages) == 0 {
		return nil
	}
	m := i.messages[0]
	i.messages[0] = nil
	if i.messages = i.messages[1:]; len(i.messages) == 0 {
		i.messages = nil
	}
	return m
}

// stream is both directions of a stream of octets.
type stream struct {
	open    bool
	in, out []byte
}

// output takes the octets to send, once the stream takes them.
func (s *stream) output() []byte {
	if !s.open || len(s.out) == 0 {
		return nil
	}
	b := s.out
	s.out = nil
	return b
}

// taken forgets octets that have been read.
func (s *stream) taken(n int) {
	if s.in = s.in[n:]; len(s.in) == 0 {
		s.in = nil
	}
}

// untimed is for carriers without deadlines.
type untimed struct{}

// HandleTimeout does nothing.
func (untimed) HandleTimeout(simtime.Time) {}

// NextTimeout returns simtime.Never.
func (untimed) NextTimeout() simtime.Time { return simtime.Never }
