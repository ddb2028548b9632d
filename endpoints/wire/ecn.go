package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/ecn"
)

// ECNFeedback is the transport-layer ECN feedback packet: what a receiver has counted of
// one source (RFC 6679 §5.1). Of several sources each has a packet.
type ECNFeedback struct {
	SenderSSRC, MediaSSRC uint32
	// Highest is the extended highest sequence number received, to which the
	// counters relate.
	Highest  uint32
	Counters ecn.Counters
}

// ecnReportSize is that of the FCI (RFC 6679, figure 2).
const ecnReportSize = 4 + ecn.CountersSize

// Marshal encodes the message.
func (m ECNFeedback) Marshal() ([]byte, error) {
	b := newFeedback(rtcp.TypeTransportSpecificFeedback, FormatECN, m.SenderSSRC, m.MediaSSRC, ecnReportSize)
	binary.BigEndian.PutUint32(b[feedbackSize:], m.Highest)
	m.Counters.Append(b[:feedbackSize+4])
	return b, nil
}

// Unmarshal decodes the message.
func (m *ECNFeedback) Unmarshal(b []byte) error {
	sender, media, fci, err := feedback(b, rtcp.TypeTransportSpecificFeedback, FormatECN)
	switch {
	case err != nil:
		return err
	case len(fci) != ecnReportSize:
		return ErrLength
	}
	*m = ECNFeedback{sender, media, binary.BigEndian.Uint32(fci), ecn.ReadCounters(fci[4:])}
	return nil
}

// MarshalSize returns the size in octets.
func (ECNFeedback) MarshalSize() int { return feedbackSize + ecnReportSize }

// DestinationSSRC returns the source.
func (m ECNFeedback) DestinationSSRC() []uint32 { return []uint32{m.MediaSSRC} }

func (m ECNFeedback) String() string {
	return fmt.Sprintf("ECNFeedback from %08x: source %08x up to %d: %+v", m.SenderSSRC, m.MediaSSRC, m.Highest, m.Counters)
}
