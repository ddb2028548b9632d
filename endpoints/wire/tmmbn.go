package wire

import (
	"fmt"

	"github.com/pion/rtcp"
)

// TMMBN is the temporary maximum media stream bit rate notification, by which
// a media sender tells the bounding set and its owners (RFC 5104 §4.2.2). The
// set may be empty.
type TMMBN struct {
	SenderSSRC uint32
	Limits     []Limit // the SSRCs are the owners
}

// Marshal encodes the message. Bit rates are rounded down.
func (m TMMBN) Marshal() ([]byte, error) {
	if len(m.Limits) > maxEntries {
		return nil, ErrCount
	}
	// The SSRC of media source SHALL be 0 (§4.2.2.2).
	b := newFeedback(rtcp.TypeTransportSpecificFeedback, FormatTMMBN, m.SenderSSRC, 0, limitSize*len(m.Limits))
	return b, putLimits(b[feedbackSize:], m.Limits)
}

// Unmarshal decodes the message, reusing the memory of Limits.
func (m *TMMBN) Unmarshal(b []byte) error {
	sender, _, fci, err := feedback(b, rtcp.TypeTransportSpecificFeedback, FormatTMMBN)
	if err != nil {
		return err
	}
	m.SenderSSRC = sender
	m.Limits, err = appendLimits(m.Limits[:0], fci)
	return err
}

// MarshalSize returns the size in octets.
func (m TMMBN) MarshalSize() int { return feedbackSize + limitSize*len(m.Limits) }

// DestinationSSRC returns the owners.
func (m TMMBN) DestinationSSRC() []uint32 { return limitSSRCs(m.Limits) }

func (m TMMBN) String() string { return fmt.Sprintf("TMMBN from %08x: %+v", m.SenderSSRC, m.Limits) }
