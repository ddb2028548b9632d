package wire

import (
	"fmt"

	"github.com/pion/rtcp"
)

// TSTR is the temporal-spatial trade-off request, by which a receiver asks
// media senders for frame rate or for quality (RFC 5104 §4.3.2). It has at
// least one entry.
type TSTR struct {
	SenderSSRC uint32
	TradeOffs  []TradeOff // one for each media sender
}

// Marshal encodes the message.
func (m TSTR) Marshal() ([]byte, error) {
	if len(m.TradeOffs) == 0 || len(m.TradeOffs) > maxEntries {
		return nil, ErrCount
	}
	// The SSRC of media source SHALL be 0 (§4.3.2.2).
	b := newFeedback(rtcp.TypePayloadSpecificFeedback, FormatTSTR, m.SenderSSRC, 0, tradeOffSize*len(m.TradeOffs))
	return b, putTradeOffs(b[feedbackSize:], m.TradeOffs)
}

// Unmarshal decodes the message, reusing the memory of TradeOffs.
func (m *TSTR) Unmarshal(b []byte) error {
	sender, _, fci, err := feedback(b, rtcp.TypePayloadSpecificFeedback, FormatTSTR)
	if err != nil {
		return err
	}
	m.SenderSSRC = sender
	m.TradeOffs, err = appendTradeOffs(m.TradeOffs[:0], fci)
	return err
}

// MarshalSize returns the size in octets.
func (m TSTR) MarshalSize() int { return feedbackSize + tradeOffSize*len(m.TradeOffs) }

// DestinationSSRC returns the media senders that are asked.
func (m TSTR) DestinationSSRC() []uint32 { return tradeOffSSRCs(m.TradeOffs) }

func (m TSTR) String() string { return fmt.Sprintf("TSTR from %08x: %+v", m.SenderSSRC, m.TradeOffs) }
