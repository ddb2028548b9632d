package ice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"rtpfabric/sim/packet"
)

// CandidateType is how an agent has learned of an address (RFC 8445 §5.1.1).
type CandidateType uint8

// The types of candidates.
const (
	Host CandidateType = iota
	PeerReflexive
	ServerReflexive
	Relayed
)

var typeNames = [...]string{"host", "prflx", "srflx", "relay"}

// String returns the type as descriptions have it (RFC 8839 §5.1).
func (t CandidateType) String() string { return typeNames[t] }

// preference is the recommended type preference (RFC 8445 §5.1.2.2).
func (t CandidateType) preference() uint32 { return [...]uint32{126, 110, 100, 0}[t] }

// Candidate is a transport address at which an agent may be reached. RTP and RTCP share it: it is of component 1.
type Candidate struct {
	Type CandidateType
	Addr packet.Addr
	// Base is where the agent sends from for the candidate (§5.1.1); of the other end's candidates it is their address.
	Base packet.Addr
	// Related is the address by which the candidate came to be, which nobody needs to check it: the base of a reflexive one, the
	// mapped address of a relayed one (RFC 8839 §5.1).
	Related packet.Addr
	// Foundation is the same for candidates whose checks are likely to fare alike (§5.1.1.3).
	Foundation string
	Priority   uint32
}

// component is the only one.
const component = 1

// Priority computes that of a candidate (§5.1.2.1). Preference tells addresses of one type apart, from 0 to 65535.
func Priority(t CandidateType, preference uint16) uint32 {
	return t.preference()<<24 | uint32(preference)<<8 | (256 - component)
}

// HostCandidate returns the only candidate of an end with one address.
func HostCandidate(addr packet.Addr) Candidate {
	return Candidate{Type: Host, Addr: addr, Base: addr, Foundation: "1", Priority: Priority(Host, 65535)}
}

// String returns the value of an a=candidate line (RFC 8839 §5.1).
func (c Candidate) String() string {
	s := fmt.Sprintf("%s %d udp %d %s %d typ %v", c.Foundation, component, c.Priority, c.Addr.IP, c.Addr.Port, c.Type)
	if c.Type != Host {
		s += fmt.Sprintf(" raddr %s rport %d", c.Related.IP, c.Related.Port)
	}
	return s
}

// ParseCandidate reads the value of an a=candidate line. An error says why the candidate is of no use; candidates of
// other protocols and address families are to be left out.
func ParseCandidate(value string) (Candidate, error) {
	words := strings.Fields(value)
	if len(words) < 8 || words[6] != "typ" {
		return Candidate{}, fmt.Errorf("%q is no candidate", value)
	}
	c := Candidate{Foundation: words[0]}
	if words[1] != strconv.Itoa(component) || !strings.EqualFold(words[2], "udp") {
		return c, fmt.Errorf("a candidate of component %s over %s", words[1], words[2])
	}
	priority, err := strconv.ParseUint(words[3], 10, 31)
	if err != nil || priority == 0 {
		return c, fmt.Errorf("%q is no priority", words[3])
	}
	c.Priority = uint32(priority)
	if c.Addr, err = parseAddr(words[4], words[5]); err != nil {
		return c, err
	}
	for i, name := range typeNames {
		if words[7] == name {
			c.Type, c.Base = CandidateType(i), c.Addr
			return c, nil
		}
	}
	return c, fmt.Errorf("there is no type %q of candidates", words[7])
}

func parseAddr(ip, port string) (packet.Addr, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil || !a.Is4() {
		return packet.Addr{}, fmt.Errorf("%q is no IPv4 address", ip)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return packet.Addr{}, errors.New("port " + port)
	}
	b := a.As4()
	return packet.Addr{IP: packet.IPv4(binary.BigEndian.Uint32(b[:])), Port: uint16(n)}, nil
}

// pairState is where a candidate pair stands (§6.1.2.6).
type pairState uint8

const (
	frozen pairState = iota
	waiting
	inProgress
	succeeded
	failed
)

// pair is a candidate pair of the checklist. The checks of bundled media are those of one component of one stream.
type pair struct {
	local, remote Candidate
	state         pairState
	// valid says that a check of it, or one that found it out, has succeeded.
	valid bool
	// nominate says that the next check of a controlling agent nominates; nominated that the other end has, or
	// that this end's nomination was answered.
	nominate, nominated bool
	check               *transaction // under way
}

// priority is the pair's (§6.1.2.3).
func (p *pair) priority(controlling bool) uint64 {
	g, d := uint64(p.local.Priority), uint64(p.remote.Priority)
	if !controlling {
		g, d = d, g
	}
	tie := uint64(0)
	if g > d {
		tie = 1
	}
	return min(g, d)<<32 + 2*max(g, d) + tie
}

func (p *pair) String() string { return fmt.Sprintf("%v to %v", p.local.Addr, p.remote.Addr) }
