package turn

import (
	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Binding asks a STUN server by which address it sees this end: the server-reflexive one (RFC 8489 §6, RFC 8445 §5.1.1.2).
// After any other method its host drains Poll, and reads NextTimeout again. What comes back from the server is handed to
// HandlePayload.
type Binding struct {
	random       *rng.Stream
	transaction  transaction
	asking       bool
	done, failed bool
	mapped       packet.Addr
	known        bool
	out          []byte
}

// NewBinding returns one that hasn't asked yet. Transaction identifiers are drawn from a stream of its own.
func NewBinding(random *rng.Stream) *Binding { return &Binding{random: random} }

// Ask begins a request, in place of one that may be under way. What is known stays so until there is another answer.
func (b *Binding) Ask(now simtime.Time) {
	id := newID(b.random)
	b.asking, b.done, b.failed = true, false, false
	b.transaction.begin(now, id, build(stun.BindingRequest, id))
	b.out = b.transaction.payload
}

// HandlePayload reports whether a datagram is the answer to what was asked.
func (b *Binding) HandlePayload(_ simtime.Time, payload []byte) bool {
	var m stun.Message
	if !b.asking || !decode(&m, payload) || m.TransactionID != b.transaction.id || m.Type != stun.BindingSuccess && m.Type != stun.BindingError {
		return false
	}
	mapped, ok := addrOf(&m, stun.AttrXORMappedAddress)
	if m.Type == stun.BindingError || !ok || unknown(&m) != nil { // RFC 8489 §6.3.3, §6.3.4
		b.end(true)
		return true
	}
	b.mapped, b.known = mapped, true
	b.end(false)
	return true
}

func (b *Binding) end(failed bool) {
	b.asking, b.done, b.failed, b.out = false, true, failed, nil
}

// Poll returns the next datagram for the server; nil when drained.
func (b *Binding) Poll() []byte {
	p := b.out
	b.out = nil
	return p
}

// Mapped returns the server-reflexive address, as the last success said it; false if there was none.
func (b *Binding) Mapped() (packet.Addr, bool) { return b.mapped, b.known }

// Done reports whether what was asked last has come to an end.
func (b *Binding) Done() bool { return b.done }

// Failed reports whether that end was a refusal, or that nobody answered.
func (b *Binding) Failed() bool { return b.failed }

// HandleTimeout does what is due.
func (b *Binding) HandleTimeout(now simtime.Time) {
	if !b.asking {
		return
	}
	switch again, over := b.transaction.handleTimeout(now); {
	case over:
		b.end(true)
	case again:
		b.out = b.transaction.payload
	}
}

// NextTimeout returns when there is something to do.
func (b *Binding) NextTimeout() simtime.Time {
	if !b.asking {
		return simtime.Never
	}
	return b.transaction.next
}
