package wire

import (
	"fmt"

	"github.com/pion/rtcp"
)

// TSTN is the temporal-spatial trade-off notification, by which a media sender
// acknowledges requests and tells the trade-off that it uses from now on
// (RFC 5104 §4.3.3). It has at least one entry, and one index for all of them
// (§4.3.3.2).
type TSTN struct {
	SenderSSRC uint32
	TradeOffs  []TradeOff // one for each requester
}

// Marshal encodes the message.
func (m TSTN) Marshal() ([]byte, error) {
	if len(m.TradeOffs) == 0 || len(m.TradeOffs) > maxEntries {
		return nil, ErrCount
	}
	for _, e := range m.TradeOffs {
		if e.Index != m.TradeOffs[0].Index {
			return nil, ErrRange
		}
	}
	// The SSRC of media source SHALL be 0 (§4.3.3.2).
	b := newFeedback(rtcp.TypePayloadSpecificFeedback, FormatTSTN, m.SenderSSRC, 0, tradeOffSize*len(m.TradeOffs))
	return b, putTradeOffs(b[feedbackSize:], m.TradeOffs)
}

// Unmarshal decodes the message, reusing the memory of TradeOffs. A sender
// whose entries differ in the index is not refused.
func (m *TSTN) Unmarshal(b []byte) error {
	sender, _, fci, err := feedback(b, rtcp.TypePayloadSpecificFeedback, FormatTSTN)
	if err != nil {
		return err
	}
	m.SenderSSRC = sender
	m.TradeOffs, err = appendTradeOffs(m.TradeOffs[:0], fci)
	return err
}

// MarshalSize returns the size in octets.
func (m TSTN) MarshalSize() int { return feedbackSize + tradeOffSize*len(m.TradeOffs) }

// DestinationSSRC returns the requesters.
func (m TSTN) DestinationSSRC() []uint32 { return tradeOffSSRCs(m.TradeOffs) }

func (m TSTN) String() string { return fmt.Sprintf("TSTN from %08x: %+v", m.SenderSSRC, m.TradeOffs) }
