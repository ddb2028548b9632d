package headerext

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// EncryptURI comes before the URI of an element whose data is encrypted
// (RFC 6904 §4).
const EncryptURI = "urn:ietf:params:rtp-hdrext:encrypt"

// Direction is who may send an element, seen from this end (RFC 8285 §7).
type Direction uint8

// The directions.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directions = [...]string{SendRecv: "sendrecv", SendOnly: "sendonly", RecvOnly: "recvonly", Inactive: "inactive"}

// String returns the word of SDP.
func (d Direction) String() string { return directions[d&3] }

func (d Direction) sends() bool { return d == SendRecv || d == SendOnly }

// Entry is one a=extmap attribute (RFC 8285 §5).
type Entry struct {
	// ID is the local identifier, 1 to 255. An offer may also have 256, which
	// stands for the appbits, and 4096 to 4351, alternatives to choose from.
	ID        int
	Direction Direction
	// Encrypted says that the element's data is encrypted (RFC 6904 §4).
	Encrypted  bool
	URI        string
	Attributes string
}

var errEntry = errors.New("extmap is <id>[/<direction>] <URI> [<attributes>]")

// ParseEntry reads the value of an a=extmap attribute (RFC 8285 §8,
// RFC 6904 §4).
func ParseEntry(s string) (Entry, error) {
	mapping, rest, _ := strings.Cut(s, " ")
	number, direction, directed := strings.Cut(mapping, "/")
	var e Entry
	id, err := strconv.ParseUint(number, 10, 16)
	if err != nil || number[0] == '0' || number[0] == '+' {
		return e, fmt.Errorf("%w: no id in %q", errEntry, s)
	}
	if e.ID = int(id); e.ID > 256 && (e.ID < 4096 || e.ID > 4351) {
		return e, fmt.Errorf("%w: id %d is neither in 1 to 256 nor in 4096 to 4351", errEntry, id)
	}
	if directed && !e.setDirection(direction) {
		return e, fmt.Errorf("%w: no direction %q", errEntry, direction)
	}
	e.URI, e.Attributes, _ = strings.Cut(rest, " ")
	if e.URI == EncryptURI {
		e.Encrypted = true
		e.URI, e.Attributes, _ = strings.Cut(e.Attributes, " ")
	}
	if !strings.Contains(e.URI, ":") || e.URI == EncryptURI {
		return e, fmt.Errorf("%w: no absolute URI in %q", errEntry, s)
	}
	return e, nil
}

func (e *Entry) setDirection(word string) bool {
	for d, w := range directions {
		if w == word {
			e.Direction = Direction(d)
			return true
		}
	}
	return false
}

// String returns the value of the attribute. A direction of sendrecv goes
// without saying.
func (e Entry) String() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.ID))
	if e.Direction != SendRecv {
		b.WriteString("/" + e.Direction.String())
	}
	if e.Encrypted {
		b.WriteString(" " + EncryptURI)
	}
	b.WriteString(" " + e.URI)
	if e.Attributes != "" {
		b.WriteString(" " + e.Attributes)
	}
	return b.String()
}
