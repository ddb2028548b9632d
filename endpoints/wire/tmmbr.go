package wire

import (
	"fmt"

	"github.com/pion/rtcp"
)

// TMMBR is the temporary maximum media stream bit rate request, by which a
// media receiver limits media senders (RFC 5104 §4.2.1). It has at least one
// limit.
type TMMBR struct {
	SenderSSRC uint32
	Limits     []Limit // one for each media sender
}

// Marshal encodes the message. Bit rates are rounded down.
func (m TMMBR) Marshal() ([]byte, error) {
	if len(m.Limits) == 0 || len(m.Limits) > maxEntries {
		return nil, ErrCount
	}
	// The SSRC of media source SHALL be 0 (§4.2.1.2).
	b := newFeedback(rtcp.TypeTransportSpecificFeedback, FormatTMMBR, m.SenderSSRC, 0, limitSize*len(m.Limits))
	return b, putLimits(b[feedbackSize:], m.Limits)
}

// Unmarshal decodes the message, reusing the memory of Limits.
func (m *TMMBR) Unmarshal(b []byte) error {
	sender, _, fci, err := feedback(b, rtcp.TypeTransportSpecificFeedback, FormatTMMBR)
	if err != nil {
		return err
	}
	if len(fci) == 0 {
		return ErrCount
	}
	m.SenderSSRC = sender
	m.Limits, err = appendLimits(m.Limits[:0], fci)
	return err
}

// MarshalSize returns the size in octets.
func (m TMMBR) MarshalSize() int { return feedbackSize + limitSize*len(m.Limits) }

// DestinationSSRC returns the media senders to be limited.
func (m TMMBR) DestinationSSRC() []uint32 { return limitSSRCs(m.Limits) }

func (m TMMBR) String() string { return fmt.Sprintf("TMMBR from %08x: %+v", m.SenderSSRC, m.Limits) }
