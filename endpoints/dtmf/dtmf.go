// Package dtmf is the RTP payload format of keys that are pressed in a call: the named events 0 to 15 of RFC 4733.
//
// A [Sender] says what to send for the keys that are pressed, a [Receiver] tells from what comes which keys were. Both are
// passive and know no RTP: a sender is asked at each packet of the audio that the keys go with, a receiver is handed the
// RTP timestamp.
package dtmf

import (
	"encoding/binary"
	"strings"
)

// Keys are those there are, in the order of their events (RFC 4733 §3.2, table 3).
const Keys = "0123456789*#ABCD"

// Size is that of a payload, octets.
const Size = 4

// LongestTicks is the longest duration that an event can have, in units of the RTP clock (RFC 4733 §2.3.5).
const LongestTicks = 0xffff

// Event is the payload of a packet (RFC 4733 §2.3).
type Event struct {
	// Code is the event's, 0 to 255; see [Event.Key].
	Code uint8
	// End says that the event is over.
	End bool
	// Volume is the power of the tone, 0 to 63 for 0 to -63 dBm0.
	Volume uint8
	// Duration is how long the event has lasted so far, in units of the RTP clock.
	Duration uint16
}

// Append appends the payload to b. The reserved bit is 0.
func (e Event) Append(b []byte) []byte {
	flags := min(e.Volume, 63)
	if e.End {
		flags |= 0x80
	}
	return binary.BigEndian.AppendUint16(append(b, e.Code, flags), e.Duration)
}

// Parse reads a payload; false if it hasn't the size of one event. The reserved bit is ignored.
//
// Deviation (RFC 4733 §2.5.1.5): several events in a packet aren't understood.
func Parse(b []byte) (Event, bool) {
	if len(b) != Size {
		return Event{}, false
	}
	return Event{Code: b[0], End: b[1]&0x80 != 0, Volume: b[1] & 0x3f, Duration: binary.BigEndian.Uint16(b[2:])}, true
}

// Key returns the key of the event; false if it is no key.
func (e Event) Key() (byte, bool) {
	if int(e.Code) >= len(Keys) {
		return 0, false
	}
	return Keys[e.Code], true
}

// CodeOf returns the event of a key, 0 to 9, *, # or A to D; false if there is no such key.
func CodeOf(key byte) (uint8, bool) {
	i := strings.IndexByte(Keys, key)
	return uint8(i), i >= 0
}
