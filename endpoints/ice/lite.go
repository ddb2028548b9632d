// Package ice is how ends find out by which addresses they reach each other (RFC 8445). It has both
// implementations: the full one, an [Agent] that checks pairs of candidates, and the lite one, that of an end which needs no
// candidates but its address.
package ice

import (
	"encoding/base64"
	"strings"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Credentials are what one end of a connection shows in its checks, and wants to see (RFC 8839 §5.4).
type Credentials struct{ Fragment, Password string }

// NewCredentials draws some, of the lengths that browsers have: 24 and 144 bits.
func NewCredentials(r *rng.Stream) Credentials {
	var b [3 + 18]byte
	_, _ = r.Read(b[:])
	return Credentials{Fragment: base64.RawStdEncoding.EncodeToString(b[:3]), Password: base64.RawStdEncoding.EncodeToString(b[3:])}
}

// Valid reports whether a description may have the credentials (RFC 8839 §5.4).
func (c Credentials) Valid() bool {
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' && r != '/'
		})
	}
	return len(c.Fragment) >= 4 && len(c.Fragment) <= 256 && len(c.Password) >= 22 && len(c.Password) <= 256 && plain(c.Fragment) && plain(c.Password)
}

// Lite is a lite implementation (RFC 8445 §2.5) in front of a keying step: it answers checks and sends none,
// so that the other end, a full implementation, has to be the controlling one. The step begins when
// the other end has nominated a pair; until then there is nobody whom its packets would reach, and binding
// indications keep NATs and firewalls on its own side open for checks (RFC 8445 §11).
type Lite struct {
	keying.Around
	local     Credentials
	remote    string // the other end's fragment
	random    *rng.Stream
	next      simtime.Time // when the next indication goes
	answer    []byte       // to send
	nominated bool
	counts    Counts
}

// Counts are what became of checks.
type Counts struct {
	// Answered checks came in order, Refused ones got an error response, Ignored ones nothing, as
	// messages that aren't STUN's or that somebody else may have damaged.
	Answered, Refused, Ignored uint64
}

// NewLite returns a step with checks before it. Transaction ids are drawn from a stream of the end's own.
func NewLite(step keying.Step, local Credentials, remoteFragment string, random *rng.Stream) *Lite {
	return &Lite{Around: keying.Around{Step: step}, local: local, remote: remoteFragment, random: random}
}

// Nominated reports whether the other end has nominated a pair.
func (l *Lite) Nominated() bool { return l.nominated }

// Counts returns what became of checks so far.
func (l *Lite) Counts() Counts { return l.counts }

// HandleCheck takes a STUN message (RFC 8445 §7.3). The packet stays the caller's.
func (l *Lite) HandleCheck(_ simtime.Time, p *packet.Packet) {
	m := stun.Message{Raw: p.Payload}
	if m.Decode() != nil || m.Type != stun.BindingRequest || stun.Fingerprint.Check(&m) != nil {
		l.counts.Ignored++ // an indication keeps a NAT's binding, as RFC 8445 §11 has it
		return
	}
	var name stun.Username
	integrity := stun.NewShortTermIntegrity(l.local.Password)
	switch {
	case name.GetFrom(&m) != nil || !m.Contains(stun.AttrMessageIntegrity): // RFC 8489 §9.1.3
		l.refuse(&m, stun.CodeBadRequest)
		return
	case name.String() != l.local.Fragment+":"+l.remote || integrity.Check(&m) != nil:
		l.refuse(&m, stun.CodeUnauthorized)
		return
	}
	leaveOutUnprotected(&m)
	switch unknown := unknown(&m); {
	case unknown != nil:
		l.refuse(&m, stun.CodeUnknownAttribute, unknown, integrity)
	case m.Contains(stun.AttrICEControlled): // this end has to be (RFC 8445 §6.1.1, §7.3.1.1)
		l.refuse(&m, stun.CodeRoleConflict, integrity)
	default:
		ip := p.Src.IP.Netip().As4()
		l.respond(&m, stun.BindingSuccess, &stun.XORMappedAddress{IP: ip[:], Port: int(p.Src.Port)}, integrity)
		l.counts.Answered++
		l.nominated = l.nominated || m.Contains(stun.AttrUseCandidate)
	}
}

// leaveOutUnprotected forgets what comes after the integrity, which doesn't vouch for it (RFC 8489 §14.5).
func leaveOutUnprotected(m *stun.Message) {
	for i, a := range m.Attributes {
		if a.Type == stun.AttrMessageIntegrity {
			m.Attributes = m.Attributes[:i+1]
			return
		}
	}
}

// unknown returns those attributes that must be understood and aren't (RFC 8489 §6.3.1); nil if there are
// none.
func unknown(m *stun.Message) stun.Setter {
	var list stun.UnknownAttributes
	for _, a := range m.Attributes {
		switch a.Type {
		case stun.AttrUsername, stun.AttrMessageIntegrity, stun.AttrPriority, stun.AttrUseCandidate:
		default:
			if a.Type < 0x8000 {
				list = append(list, a.Type)
			}
		}
	}
	if list == nil {
		return nil
	}
	return list
}

// refuse answers with an error. Before the request is known to come from the peer that has no integrity
// (RFC 8489 §9.1.3).
func (l *Lite) refuse(m *stun.Message, code stun.ErrorCode, more ...stun.Setter) {
	l.counts.Refused++
	l.respond(m, stun.BindingError, append([]stun.Setter{code}, more...)...)
}

func (l *Lite) respond(to *stun.Message, kind stun.MessageType, attributes ...stun.Setter) {
	l.answer = build(kind, to.TransactionID, attributes...)
}

// build returns a message with these attributes and a fingerprint.
func build(kind stun.MessageType, id [stun.TransactionIDSize]byte, attributes ...stun.Setter) []byte {
	set := append([]stun.Setter{kind, stun.NewTransactionIDSetter(id)}, attributes...)
	m, err := stun.Build(append(set, stun.Fingerprint)...)
	if err != nil {
		panic("ice: " + err.Error()) // all attributes are ours
	}
	return m.Raw
}

// HandleTimeout hands the time on.
func (l *Lite) HandleTimeout(now simtime.Time) {
	if l.nominated {
		l.Step.HandleTimeout(now)
	}
}

// PollPayload returns an answer, or what the step has to send.
func (l *Lite) PollPayload(now simtime.Time) []byte {
	if b := l.answer; b != nil {
		l.answer = nil
		return b
	}
	if l.nominated {
		return l.Step.PollPayload(now)
	}
	if now < l.next {
		return nil
	}
	l.next = now.Add(keying.OpeningInterval)
	var id [stun.TransactionIDSize]byte
	_, _ = l.random.Read(id[:])
	return build(stun.NewType(stun.MethodBinding, stun.ClassIndication), id) // with a fingerprint: RFC 8445 §11
}

// NextTimeout returns when the step has something to do.
func (l *Lite) NextTimeout() simtime.Time {
	if !l.nominated {
		return l.next
	}
	return l.Step.NextTimeout()
}
