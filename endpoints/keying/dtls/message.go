package dtls

// messageType is a type of handshake message (RFC 6347 §4.3.2).
type messageType uint8

const (
	clientHello        messageType = 1
	serverHello        messageType = 2
	helloVerifyRequest messageType = 3
	certificate        messageType = 11
	serverKeyExchange  messageType = 12
	certificateRequest messageType = 13
	serverHelloDone    messageType = 14
	certificateVerify  messageType = 15
	clientKeyExchange  messageType = 16
	finished           messageType = 20
)

const (
	messageHeader = 12
	// maxMessage is far more than any message here has. It bounds what a forged
	// fragment makes the assembler set aside.
	maxMessage = 1 << 14
)

// message is a whole handshake message.
type message struct {
	typ  messageType
	seq  uint16
	body []byte
}

// appendFragment appends the octets from offset to end with a handshake header
// (RFC 6347 §4.2.2).
func (m *message) appendFragment(b []byte, offset, end int) []byte {
	b = append(b, byte(m.typ))
	b = appendNumber(b, len(m.body), 3)
	b = appendNumber(b, int(m.seq), 2)
	b = appendNumber(b, offset, 3)
	b = appendNumber(b, end-offset, 3)
	return append(b, m.body[offset:end]...)
}

// appendWhole appends the message as if it were sent in one fragment, which is
// how it counts in hashes (RFC 6347 §4.2.6).
func (m *message) appendWhole(b []byte) []byte { return m.appendFragment(b, 0, len(m.body)) }

// fragment is a part of a message, or all of it.
type fragment struct {
	typ            messageType
	total          int
	seq            uint16
	offset, length int
	body           []byte
}

// parseFragment takes the first fragment off a record's body.
func parseFragment(b []byte) (f fragment, rest []byte, ok bool) {
	c := cursor{b: b}
	f.typ = messageType(c.number(1))
	f.total = c.number(3)
	f.seq = uint16(c.number(2))
	f.offset = c.number(3)
	f.length = c.number(3)
	f.body = c.bytes(f.length)
	if c.bad || f.total > maxMessage || f.offset+f.length > f.total || f.length == 0 && f.total != 0 {
		return fragment{}, nil, false
	}
	return f, c.b, true
}

// ends reports whether the fragment has the end of its message.
func (f *fragment) ends() bool { return f.offset+f.length == f.total }

// assembler makes messages of fragments that come in any order, overlap and
// repeat, and hands them out by message_seq (RFC 6347 §4.2.2, §4.2.3).
type assembler struct {
	next    uint16 // message_seq of the message to hand out
	pending [maxPending]partial
}

// maxPending is how far ahead a message may be: more than a flight has.
const maxPending = 8

// partial is a message of which something has come.
type partial struct {
	begun   bool
	typ     messageType
	body    []byte
	has     []bool // which octets of the body came
	missing int
}

// verdict is what the assembler makes of a fragment.
type verdict uint8

const (
	taken verdict = iota
	stale         // of a message that was handed out
	known         // nothing of it is new
	bad           // it contradicts others, or is too far ahead
)

func (a *assembler) add(f fragment) verdict {
	if f.seq < a.next {
		return stale
	}
	if f.seq-a.next >= maxPending {
		return bad
	}
	p := &a.pending[f.seq%maxPending]
	if !p.begun {
		*p = partial{begun: true, typ: f.typ, body: make([]byte, f.total), has: make([]bool, f.total), missing: f.total}
	} else if p.typ != f.typ || len(p.body) != f.total {
		return bad
	} else if p.missing == 0 {
		return known
	}
	before := p.missing
	for i, b := range f.body {
		if at := f.offset + i; !p.has[at] {
			p.body[at], p.has[at] = b, true
			p.missing--
		}
	}
	if f.total > 0 && p.missing == before {
		return known
	}
	return taken
}

// take returns the next message if it is complete.
func (a *assembler) take() (m message, ok bool) {
	p := &a.pending[a.next%maxPending]
	if !p.begun || p.missing > 0 {
		return message{}, false
	}
	m = message{typ: p.typ, seq: a.next, body: p.body}
	*p = partial{}
	a.next++
	return m, true
}

// putBack makes the assembler wait for the last message once more, from its
// beginning.
func (a *assembler) putBack() { a.next-- }
