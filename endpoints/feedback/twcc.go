package feedback

import (
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// TWCCRecorder is the receiver's side of transport-wide congestion control
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). Times are by the
// receiver's wall clock.
type TWCCRecorder struct {
	recorder *twcc.Recorder
	fresh    int
}

// NewTWCCRecorder returns an empty recorder.
func NewTWCCRecorder() *TWCCRecorder { return &TWCCRecorder{recorder: twcc.NewRecorder(0)} }

// Record notes a packet by its transport-wide sequence number.
func (r *TWCCRecorder) Record(now simtime.Time, ssrc uint32, seq uint16) {
	// Of Unix time, as the library takes negative times for lost packets, and as
	// the microsecond below must be the one below by any clock.
	r.recorder.Record(ssrc, seq, (simtime.Epoch*int64(time.Second)+int64(now))/1000)
	r.fresh++
}

// Pending reports whether there are packets that no message has covered.
func (r *TWCCRecorder) Pending() bool { return r.fresh > 0 }

// Build makes the messages about what wasn't reported yet, which come from the
// given SSRC.
func (r *TWCCRecorder) Build(sender uint32) []rtcp.Packet {
	r.fresh = 0
	messages := r.recorder.BuildFeedbackPacket()
	for _, m := range messages {
		if m, ok := m.(*rtcp.TransportLayerCC); ok {
			m.SenderSSRC = sender
			// The library declares the one to three zero octets after the
			// deltas as padding. RTCP's padding comes in multiples of four and
			// only in the last packet of a compound one (RFC 3550 §6.4.1);
			// without the bit they are part of the message's own format.
			m.Header.Padding = false
		}
	}
	return messages
}

// OnTWCC matches a message against the history. The result is valid until the
// next call.
func (r *Receiver) OnTWCC(now simtime.Time, m *rtcp.TransportLayerCC) *ccontrol.Report {
	r.begin()
	at := referenceTime(m.ReferenceTime, now)
	seq := r.history.unwrap(m.BaseSequenceNumber)
	left, deltas := int(m.PacketStatusCount), m.RecvDeltas
	status := func(symbol uint16) {
		if left == 0 {
			return
		}
		left--
		received := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if received {
			if len(deltas) == 0 {
				left = 0 // malformed: fewer deltas than received packets
				return
			}
			at = at.Add(time.Duration(deltas[0].Delta) * time.Microsecond)
			deltas = deltas[1:]
		}
		if p := r.history.bySeq(seq); p != nil {
			r.note(p, received, at, packet.NotECT)
		}
		seq++
	}
	for _, c := range m.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				status(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				if c.SymbolSize == rtcp.TypeTCCSymbolSizeOneBit && s != 0 {
					s = rtcp.TypeTCCPacketReceivedSmallDelta
				}
				status(s)
			}
		}
	}
	return r.finish(now, 0)
}

// unwrap finds the packet nearest to the last one sent that has the 16-bit
// number.
func (h *History) unwrap(seq uint16) uint64 {
	last := h.next - 1
	return last + uint64(int64(int16(seq-uint16(last))))
}

// referenceTime returns the time nearest to now that has a message's 24-bit
// reference time, which wraps every twelve days.
func referenceTime(ref uint32, now simtime.Time) simtime.Time {
	const unit, epoch = int64(64 * time.Millisecond), simtime.Epoch * int64(time.Second)
	near := (epoch + int64(now)) / unit
	near += int64(int32((ref-uint32(near))<<8) >> 8)
	return simtime.Time(near*unit - epoch)
}
