package sip

// Pending is an INVITE that a client has sent, without a final response so far, and which the client may give up (RFC 3261
// §9.1).
type Pending struct {
	Invite *Message
	// Provisional says that there was a provisional response.
	Provisional bool
	// GivenUp says that the client wants no agreement any more, Cancelled that it has said so.
	GivenUp, Cancelled bool
}

// GiveUp returns the CANCEL to send; nil if there is none to send now: it waits for the first provisional response, and
// is sent once.
func (p *Pending) GiveUp() *Message {
	p.GivenUp = true
	if !p.Provisional || p.Cancelled {
		return nil
	}
	p.Cancelled = true
	return CancelOf(p.Invite)
}

// Proceed notes a provisional response, and returns the CANCEL that has waited for it; nil if there is none.
func (p *Pending) Proceed() *Message {
	p.Provisional = true
	if !p.GivenUp {
		return nil
	}
	return p.GiveUp()
}

// CancelOf returns the CANCEL of an INVITE (§9.1).
func CancelOf(invite *Message) *Message {
	m := NewRequest(Cancel, invite.CallID, invite.From, invite.To, invite.CSeq)
	m.Branches = invite.Branches[:1]
	return m
}

// Cancels reports whether the message is a CANCEL of that INVITE, which may be nil (§9.2, §17.2.3).
func (m *Message) Cancels(invite *Message) bool {
	return m.Method == Cancel && m.Request() && invite != nil && len(m.Branches) > 0 && len(invite.Branches) > 0 &&
		m.Branches[0] == invite.Branches[0]
}
