package peer

import (
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
)

// Direction is who sends a stream's media, seen from this end (RFC 8866 §6.7).
type Direction uint8

// The directions.
const (
	Inactive Direction = 0
	SendOnly Direction = 1
	RecvOnly Direction = 2
	SendRecv           = SendOnly | RecvOnly
)

func (d Direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d]
}

// Sends reports whether this end sends.
func (d Direction) Sends() bool { return d&SendOnly != 0 }

// Receives reports whether this end receives.
func (d Direction) Receives() bool { return d&RecvOnly != 0 }

// Reversed returns the direction as the other end sees it.
func (d Direction) Reversed() Direction { return d>>1 | d<<1&RecvOnly }

func directionOf(sends, receives bool) Direction {
	d := Inactive
	if sends {
		d |= SendOnly
	}
	if receives {
		d |= RecvOnly
	}
	return d
}

// halves are the directions that others are made of, and what each needs.
var halves = [...]struct {
	direction Direction
	needs     []Resource
}{{SendOnly, []Resource{Encoder, Uplink}}, {RecvOnly, []Resource{Decoder}}}

// Stream is a stream of media that a connection sends, receives, or both, in a section of its own.
type Stream struct {
	// ID names the stream. It is the section's id when this end offers.
	ID   string
	Kind endpoints.Kind
	// SSRC is that of what this end sends.
	SSRC uint32
	// Rate is what it takes of the uplink while it is sent.
	Rate units.BitRate
	// Direction is what is wanted of it.
	Direction Direction
}

// StreamState is a stream, and what became of it.
type StreamState struct {
	Stream // with the direction that is wanted now
	// Agreed is what the last answer, provisional or not, allows.
	Agreed Direction
	// Current is in effect: of what is wanted and agreed on, what there are resources for.
	Current Direction
}

// source is a stream as a connection and its clones share it: it is encoded once, whatever number of them sends it
// (000, rule 12), and what the pool has given for it is theirs together (rule 10).
type source struct {
	Stream
	pool   *Pool
	grants [resources][]*grant
}

func (s *source) amount(r Resource) int64 {
	if r == Uplink {
		return int64(s.Rate)
	}
	return 1
}

// spare returns what was given and can be used by one more; nil if there is nothing.
func (s *source) spare(r Resource) *grant {
	for _, g := range s.grants[r] {
		if g.user == nil {
			return g
		}
	}
	return nil
}

// stream is a source at one connection.
type stream struct {
	*source
	mid     string // once it has a section
	foreign bool   // it was made for a section of the other end's
	removed bool   // it isn't to be sent any more
	wanted  Direction
	// settled is what the last concluded exchange agreed on.
	agreed, settled Direction
	// reserved is what an open exchange may make use of, and keeps.
	reserved, current Direction
	held              [resources]*grant
}

// usable reports whether the stream can use a resource that has been given already.
func (s *stream) usable(r Resource) bool {
	if g := s.held[r]; g != nil && (g.user == nil || g.user == s) {
		return true
	}
	return s.spare(r) != nil
}

// possible is what is left of a direction that was described: a stream that has been removed since isn't sent.
func (s *stream) possible(d Direction) Direction {
	if s.removed {
		d &^= SendOnly
	}
	return d
}

// shed drops what another connection uses.
func (s *stream) shed() {
	for r, g := range s.held {
		if g != nil && g.user != nil && g.user != s {
			s.drop(Resource(r))
		}
	}
}

// settle reserves and uses what these directions need, and gives back the rest. There has to be enough.
func (s *stream) settle(reserved, current Direction) {
	s.reserved, s.current = reserved, current
	for _, half := range halves {
		for _, r := range half.needs {
			if current&half.direction == 0 {
				s.rest(r)
			}
			switch {
			case current&half.direction != 0:
				s.use(r)
			case reserved&half.direction == 0:
				s.drop(r)
			case s.held[r] == nil:
				s.obtain(r)
			}
		}
	}
}

// use makes the stream the user of a resource.
func (s *stream) use(r Resource) {
	if g := s.held[r]; g != nil && g.user != nil && g.user != s {
		s.drop(r)
	}
	if s.held[r] == nil {
		s.obtain(r)
	}
	if r != Encoder {
		s.held[r].user = s
	}
}

// rest ends the use of a resource that the stream may go on to hold.
func (s *stream) rest(r Resource) {
	if g := s.held[r]; g != nil && g.user == s {
		g.user = nil
	}
}

// obtain holds a resource, best one that is there already.
func (s *stream) obtain(r Resource) {
	g := s.spare(r)
	if g == nil {
		g = &grant{amount: s.amount(r)}
		s.pool.take(r, g.amount)
		s.grants[r] = append(s.grants[r], g)
	}
	s.share(r, g)
}

func (s *stream) share(r Resource, g *grant) {
	g.holders++
	s.held[r] = g
}

// drop stops holding a resource. It goes back to the pool if nobody else does.
func (s *stream) drop(r Resource) {
	g := s.held[r]
	if g == nil {
		return
	}
	s.rest(r)
	s.held[r] = nil
	if g.holders--; g.holders == 0 {
		s.grants[r] = slices.DeleteFunc(s.grants[r], func(o *grant) bool { return o == g })
		s.pool.giveBack(r, g.amount)
	}
}
