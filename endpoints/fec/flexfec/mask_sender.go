package flexfec

import "rtpfabric/endpoints/fec/parity"

// MaskSender protects groups of packets that it names one by one (§4.2.2.1): those
// of a frame, the important ones alone, those of several streams. Per source
// packet: Add; at the end of a frame or of several: Protect, and then Poll until
// there is nothing.
type MaskSender struct {
	stream *Stream
	group  *parity.Group
	sum    parity.String
	sets   []parity.Set

	next, of int // of the repair packets to poll
}

// NewMaskSender returns the sender of a repair stream that protects not more than
// the given number of streams at once, 1 to 15.
func NewMaskSender(s *Stream, streams int) *MaskSender {
	return &MaskSender{stream: s, group: parity.NewGroup(span110, max(1, min(streams, maxStreams)))}
}

// Add takes a copy of a source packet as it is sent, before protection. ErrSpan
// and ErrStreams of package parity ask for a call of Protect or Drop before: the
// packet is farther from the others than a mask reaches, which is 110 numbers, or
// one of too many streams. Repair packets that weren't polled yet are given up.
func (m *MaskSender) Add(packet []byte) error {
	if m.of > 0 {
		m.Drop()
	}
	return m.group.Add(packet)
}

// Len returns how many packets were added since the last call of Protect or Drop.
func (m *MaskSender) Len() int {
	if m.of > 0 {
		return 0
	}
	return m.group.Len()
}

// Protect closes the group: it has the given number of repair packets, or one each
// packet if that is less. Each protects every n-th packet, so that n lost in a row
// can be recovered.
func (m *MaskSender) Protect(repairs int) {
	m.next, m.of = 0, min(repairs, m.Len())
	if m.of <= 0 {
		m.Drop()
	}
}

// Drop leaves the packets that were added without protection.
func (m *MaskSender) Drop() {
	m.group.Clear()
	m.next, m.of = 0, 0
}

// Poll appends the next repair packet to dst. timestamp is the repair stream's at
// the time of sending (§4.2.1); extension is the header extension, with its header
// of four octets and in whole words, or nil.
func (m *MaskSender) Poll(dst []byte, timestamp uint32, extension []byte) ([]byte, bool) {
	if m.next >= m.of {
		return dst, false
	}
	m.sets = m.group.Sum(&m.sum, m.sets[:0], m.next, m.of)
	dst = m.stream.appendHeader(dst, timestamp, extension, m.sets)
	dst = appendCommon(dst, 0, &m.sum)
	for i := range m.sets {
		dst = appendMask(dst, &m.sets[i])
	}
	dst = append(dst, m.sum.Payload...)
	if m.next++; m.next == m.of {
		m.Drop()
	}
	return dst, true
}
