package carrier

import (
	"errors"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

// SIP carries messages of SIP one behind the other (RFC 3261 §18.3).
type SIP struct {
	inbox
	untimed
	stream stream
}

// Streams returns 1.
func (*SIP) Streams() int { return 1 }

// Open says that the stream can take octets.
func (s *SIP) Open(simtime.Time, int) { s.stream.open = true }

// Send sends a message.
func (s *SIP) Send(_ simtime.Time, m signalling.Message) {
	s.stream.out = append(s.stream.out, m.Marshal()...)
}

// Feed takes octets.
func (s *SIP) Feed(_ simtime.Time, _ int, b []byte) error {
	s.stream.in = append(s.stream.in, b...)
	for len(s.stream.in) > 0 {
		m, n, err := sip.Parse(s.stream.in)
		if errors.Is(err, sip.ErrIncomplete) {
			return nil
		}
		if err != nil {
			return err
		}
		s.stream.taken(n)
		s.messages = append(s.messages, m)
	}
	return nil
}

// Output returns octets to send.
func (s *SIP) Output(int) []byte { return s.stream.output() }
