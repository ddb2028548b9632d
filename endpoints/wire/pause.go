package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/pion/rtcp"
)

// PauseType says what an entry of a [Pause] is (RFC 7728 §7).
type PauseType uint8

// The types. What has another one is ignored.
const (
	PauseRequest  PauseType = iota // PAUSE
	ResumeRequest                  // RESUME
	Paused                         // PAUSED
	PauseRefused                   // REFUSED
)

const pauseSize = 8

// PauseEntry is an FCI entry (RFC 7728 §7).
type PauseEntry struct {
	// Target is the SSRC that is to be paused or resumed, or is.
	Target uint32
	Type   PauseType
	// ID is the PauseID, which numbers requests to pause the target.
	ID uint16
	// LastSeq is the extended sequence number of the last packet before the pause, in the format of report blocks
	// (§8.2, erratum 5540); of PAUSED only.
	LastSeq uint32
}

// Pause is a message with which receivers have senders pause streams, and these answer (RFC 7728 §7).
//
// Deviation (RFC 7728 §8): of REFUSED what is specific to the type is skipped.
type Pause struct {
	SenderSSRC uint32
	Entries    []PauseEntry
}

func (e *PauseEntry) size() int {
	if e.Type == Paused {
		return pauseSize + 4
	}
	return pauseSize
}

// Marshal encodes the message. The SSRC of media source is 0, as with the other codec control messages (RFC 5104 §4.2.1.2).
func (m Pause) Marshal() ([]byte, error) {
	if len(m.Entries) > maxEntries {
		return nil, ErrCount
	}
	b := newFeedback(rtcp.TypeTransportSpecificFeedback, FormatPause, m.SenderSSRC, 0, m.MarshalSize()-feedbackSize)
	fci := b[feedbackSize:]
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.Type > PauseRefused {
			return nil, ErrRange
		}
		binary.BigEndian.PutUint32(fci, e.Target)
		fci[4] = byte(e.Type) << 4
		binary.BigEndian.PutUint16(fci[6:], e.ID)
		if e.Type == Paused {
			fci[5] = 1
			binary.BigEndian.PutUint32(fci[8:], e.LastSeq)
		}
		fci = fci[e.size():]
	}
	return b, nil
}

// Unmarshal decodes the message, reusing the memory of Entries. Entries of other types are left out, and what is specific to a
// type and isn't known is skipped.
func (m *Pause) Unmarshal(b []byte) error {
	sender, _, fci, err := feedback(b, rtcp.TypeTransportSpecificFeedback, FormatPause)
	if err != nil {
		return err
	}
	m.SenderSSRC, m.Entries = sender, m.Entries[:0]
	for len(fci) > 0 {
		if len(fci) < pauseSize {
			return ErrLength
		}
		size := pauseSize + 4*int(fci[5])
		if len(fci) < size {
			return ErrLength
		}
		e := PauseEntry{Target: binary.BigEndian.Uint32(fci), Type: PauseType(fci[4] >> 4), ID: binary.BigEndian.Uint16(fci[6:])}
		switch {
		case e.Type == Paused && size == pauseSize:
			return ErrLength
		case e.Type == Paused:
			e.LastSeq = binary.BigEndian.Uint32(fci[pauseSize:])
		}
		if fci = fci[size:]; e.Type <= PauseRefused {
			m.Entries = append(m.Entries, e)
		}
	}
	return nil
}

// MarshalSize returns the size in octets.
func (m Pause) MarshalSize() int {
	n := feedbackSize
	for i := range m.Entries {
		n += m.Entries[i].size()
	}
	return n
}

// DestinationSSRC returns the targets.
func (m Pause) DestinationSSRC() []uint32 {
	var list []uint32
	for i := range m.Entries {
		list = append(list, m.Entries[i].Target)
	}
	return list
}

func (m Pause) String() string { return fmt.Sprintf("Pause from %08x: %+v", m.SenderSSRC, m.Entries) }
