package tcp

import "rtpfabric/sim/packet"

// ecnState is explicit congestion notification of one connection: RFC 3168
// §6.1, or the ACE field of RFC 9768 §3.2.
//
// Deviation (RFC 9768 §3.2.3): without the AccECN option, so that feedback is in
// packets, not in octets; and a count that wrapped unseen, because all
// acknowledgments of eight or more marks were lost, is taken at its least.
type ecnState struct {
	mode ECN // what both ends agreed on
	// handshake is the codepoint of the SYN and ACK, which the caller's first
	// segment after it reports in place of its count (§3.2.2.1).
	handshake                  packet.ECN
	firstAckSent, firstAckSeen bool

	// The receiver's side. echo is RFC 3168's ECE, until CWR comes.
	echo bool
	// cep counts marked packets (r.cep), from 5 (§3.2.1).
	cep     uint8
	lastCE  bool
	ceSince int // marks since the last acknowledgment

	// The sender's side. peerCep is s.cep; cwr that CWR is to be sent; reduced
	// where SND.NXT was when the window was reduced last.
	peerCep uint8
	cwr     bool
	reduced seq
}

const (
	aceShift = 6 // of ECE in Flags
	cepStart = 5
	// ceAckEvery is how many marks bring an acknowledgment (§3.2.2.5.1).
	ceAckEvery = 2
)

func ace(f Flags) uint8 {
	v := uint8(f>>aceShift) & 3
	if f&AE != 0 {
		v |= 4
	}
	return v
}

func aceFlags(v uint8) Flags {
	f := Flags(v&3) << aceShift
	if v&4 != 0 {
		f |= AE
	}
	return f
}

// offer returns the flags of a SYN.
func (e *ecnState) offer(mode ECN) Flags {
	switch mode {
	case ClassicECN:
		return ECE | CWR
	case AccurateECN:
		return AE | ECE | CWR
	default:
		return 0
	}
}

// acceptOffer is the listener's decision about the flags of a SYN.
func (e *ecnState) acceptOffer(mode ECN, f Flags) {
	switch ace(f) {
	case 7:
		e.mode = mode
	case 3:
		e.mode = min(mode, ClassicECN)
	}
	e.cep, e.peerCep = cepStart, cepStart
	e.firstAckSent = true
}

// handshakeACE is the encoding of an IP codepoint in the handshake (RFC 9768
// §3.1.1 and §3.2.2.1).
func handshakeACE(mark packet.ECN) uint8 {
	return [...]uint8{packet.NotECT: 2, packet.ECT1: 3, packet.ECT0: 4, packet.CE: 6}[mark]
}

// accept returns the flags of a SYN and ACK. SYNs are never ECN-capable here.
func (e *ecnState) accept() Flags {
	switch e.mode {
	case ClassicECN:
		return ECE
	case AccurateECN:
		return aceFlags(handshakeACE(packet.NotECT))
	default:
		return 0
	}
}

// accepted is the caller's reading of the SYN and ACK.
func (e *ecnState) accepted(mode ECN, f Flags, mark packet.ECN) {
	e.handshake = mark
	e.cep, e.peerCep = cepStart, cepStart
	switch v := ace(f); {
	case mode == NoECN || v == 0 || v == 7:
		e.mode = NoECN
	case v == 1 || v == 5:
		e.mode = ClassicECN
	case mode == AccurateECN:
		e.mode = AccurateECN
	}
	e.firstAckSeen = true
}

// flags returns the ECN flags of a segment that isn't a SYN. fresh says that it
// carries data for the first time.
func (e *ecnState) flags(fresh bool) Flags {
	switch e.mode {
	case AccurateECN:
		e.ceSince = 0
		if !e.firstAckSent {
			e.firstAckSent = true
			return aceFlags(handshakeACE(e.handshake))
		}
		return aceFlags(e.cep & 7)
	case ClassicECN:
		var f Flags
		if e.echo {
			f |= ECE
		}
		if e.cwr && fresh {
			e.cwr = false
			f |= CWR
		}
		return f
	default:
		return 0
	}
}

// received takes the codepoint and flags of a segment with or without data. It
// reports whether an acknowledgment is due at once.
func (e *ecnState) received(mark packet.ECN, f Flags, data bool) bool {
	ce := mark == packet.CE
	switch e.mode {
	case ClassicECN:
		if f&CWR != 0 {
			e.echo = false
		}
		if ce && data {
			e.echo = true
		}
		return false
	case AccurateECN:
		changed := ce && !e.lastCE
		e.lastCE = ce
		if ce {
			e.cep++
			e.ceSince++
		}
		return data && (changed || e.ceSince >= ceAckEvery)
	default:
		return false
	}
}

// feedback takes the flags of an acknowledgment and returns how many marks it
// newly reports (accurate), or 1 for ECN-Echo (classic).
func (e *ecnState) feedback(f Flags) int64 {
	switch e.mode {
	case ClassicECN:
		if f&ECE != 0 {
			return 1
		}
	case AccurateECN:
		v := ace(f)
		if !e.firstAckSeen { // it reports the SYN and ACK
			e.firstAckSeen = true
			e.peerCep = cepStart
			if v == handshakeACE(packet.CE) {
				e.peerCep++
			}
			return 0
		}
		d := (v - e.peerCep) & 7
		e.peerCep += d
		return int64(d)
	case NoECN:
	}
	return 0
}

// codepoint returns the codepoint of a segment with data.
func (e *ecnState) codepoint(scalable, fresh bool) packet.ECN {
	switch {
	case e.mode == AccurateECN && scalable:
		return packet.ECT1
	case e.mode != NoECN && fresh: // RFC 3168 §6.1.5: no retransmission
		return packet.ECT0
	default:
		return packet.NotECT
	}
}
