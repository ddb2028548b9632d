package endpoints

import (
	"encoding/binary"
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// compound is an RTCP packet in the making. There is one at a time, of all sessions that share its memory.
type compound struct {
	s         *Session
	b         []byte
	last      int // where the last RTCP packet begins
	reporters []*Stream
	locals    []*rtcptiming.Local
}

func (s *Session) newCompound() *compound {
	w := &s.scratch.compound
	w.s, w.b, w.last = s, w.b[:0], 0
	w.reporters = w.reporters[:0]
	return w
}

func (w *compound) add(p rtcp.Packet) {
	b, err := p.Marshal()
	if err != nil {
		panic("endpoints: RTCP of our own can't be marshalled: " + err.Error())
	}
	w.addBytes(b)
}

func (w *compound) addBytes(b []byte) {
	w.last = len(w.b)
	w.b = append(w.b, b...)
}

// Sizes of RTCP packets' parts (RFC 3550 §6.4), which decide whether another report fits.
const (
	srSize, rrSize, blockSize = 28, 8, 24
	rgrsSize                  = 12
	sdesChunk                 = 28 // SSRC, items of CNAME with 16 octets and MID, end
)

func (w *compound) fits(st *Stream) bool {
	n := rrSize
	if w.s.timing.IsSender(st.local) {
		n = srSize
	}
	n += (len(w.reporters)+1)*sdesChunk + 4
	if w.s.config.RTCP.Groups {
		n += rgrsSize
	}
	room := mtu - len(w.b) - n
	return room >= 0 && (room >= blockSize*w.s.mostBlocks() || room >= blockSize*st.blockCount())
}

// report adds the SR or RR of a section's SSRC.
func (w *compound) report(now simtime.Time, st *Stream) {
	w.reporters = append(w.reporters, st)
	if st == st.section.main {
		st.section.reportWanted = false
	}
	to, clock := binary.BigEndian, simtime.ToNTP(w.s.endpoint.wallClock(now))
	if w.s.timing.IsSender(st.local) {
		w.begin(rtcp.TypeSenderReport, st.ssrc)
		w.b = to.AppendUint64(w.b, uint64(clock))
		w.b = to.AppendUint32(w.b, st.reportTime(now))
		w.b = to.AppendUint32(w.b, st.packets)
		w.b = to.AppendUint32(w.b, st.octets)
	} else {
		w.begin(rtcp.TypeReceiverReport, st.ssrc)
	}
	blocks := w.addBlocks(st, now, clock.Middle())
	w.b[w.last] |= uint8(blocks)
	to.PutUint16(w.b[w.last+2:], uint16((len(w.b)-w.last)/4-1))
	w.refer(st)
}

// begin adds the header of an SR or RR (RFC 3550 §6.4), which doesn't have its counts yet.
func (w *compound) begin(t rtcp.PacketType, ssrc uint32) {
	w.last = len(w.b)
	w.b = append(w.b, 2<<6, uint8(t), 0, 0)
	w.b = binary.BigEndian.AppendUint32(w.b, ssrc)
}

// describe adds SDES with the CNAME of every reporter, and the MID while that may
// be news, in the order of the streams, so that the same reporters always make the
// same packet.
func (w *compound) describe(now simtime.Time) {
	at, chunks := len(w.b), 0
	w.last = at
	w.b = append(w.b, 2<<6, uint8(rtcp.TypeSourceDescription), 0, 0)
	for _, st := range w.s.streams {
		if !slices.Contains(w.reporters, st) {
			continue
		}
		begun := w.beginChunk(st.ssrc, st.cname())
		if st.namesSection() {
			for _, item := range st.section.appendIdentity(nil, st) {
				w.addItem(item.Type, item.Text)
			}
			st.named++
		}
		if name := st.groupName(); name != "" {
			w.addItem(wire.SDESRGRP, name)
		}
		w.endChunk(begun)
		chunks++
		if st != st.section.main {
			continue
		}
		for _, c := range st.section.contributors(now) { // RFC 3550 §7.3
			if chunks == maxChunks || at+(chunks+1)*sdesChunk > mtu {
				break
			}
			w.endChunk(w.beginChunk(c.SSRC, c.CNAME))
			chunks++
		}
	}
	if chunks > maxChunks {
		panic("endpoints: more reporters than SDES can describe")
	}
	w.b[at] |= uint8(chunks)
	binary.BigEndian.PutUint16(w.b[at+2:], uint16((len(w.b)-at)/4-1))
	if len(w.s.departed) > 0 {
		w.add(&rtcp.Goodbye{Sources: w.s.departed})
		w.s.departed = nil
	}
}

// beginChunk adds an SSRC and its CNAME to SDES (RFC 3550 §6.5), and returns where they begin.
func (w *compound) beginChunk(ssrc uint32, cname string) int {
	at := len(w.b)
	w.b = binary.BigEndian.AppendUint32(w.b, ssrc)
	w.addItem(rtcp.SDESCNAME, cname)
	return at
}

// addItem adds an item of SDES.
func (w *compound) addItem(t rtcp.SDESType, text string) {
	if len(text) > 255 {
		panic("endpoints: an item of SDES that is too long")
	}
	w.b = append(w.b, uint8(t), uint8(len(text)))
	w.b = append(w.b, text...)
}

// endChunk ends a chunk with one to four octets that are 0.
func (w *compound) endChunk(at int) {
	for w.b = append(w.b, 0); (len(w.b)-at)%4 != 0; {
		w.b = append(w.b, 0)
	}
}

// maxChunks is how many an SDES packet can have.
const maxChunks = 31

// introductions is how many RTCP packets of a stream have the MID.
const introductions = 3

// namesSection reports whether the next RTCP packet says which section the stream
// belongs to (RFC 9143 §15.1).
func (st *Stream) namesSection() bool {
	if st.named >= introductions {
		return false
	}
	_, signalled := st.section.session.extensions.ID(headerext.MID)
	return signalled
}

// feedback adds congestion control feedback, and asks for the next.
func (w *compound) feedback(now simtime.Time, st *Stream) {
	s := w.s
	switch s.config.Feedback {
	case FeedbackRFC8888:
		if msg := s.ccfb.Build(s.endpoint.wallClock(now), st.ssrc, mtu-len(w.b)); msg != nil {
			w.last = len(w.b)
			w.b = wire.AppendCCFB(w.b, msg)
		}
	case FeedbackTWCC:
		for _, msg := range s.twcc.Build(st.ssrc) {
			w.add(msg)
		}
	case FeedbackECN:
		w.tellMarks(st)
	case FeedbackREMB, FeedbackNone:
	}
	s.due.sent(now)
	if s.hasFeedback() { // what didn't fit
		s.due.arrived(now, true, s.rtt)
	}
}

// estimate adds the receiver's estimate, and asks for the next.
func (w *compound) estimate(now simtime.Time, st *Stream) {
	e := &w.s.estimate
	if msg := e.build(st.ssrc, mtu-len(w.b)); msg != nil {
		w.add(msg)
	}
	e.due.sent(now)
	if e.pending() { // it didn't fit
		e.due.arrived(now, true, w.s.rtt)
	}
}

// maxPadding is the largest multiple of four that an octet holds.
const maxPadding = 252

// pad fills the packet up with padding (RFC 3550 §6.4.1). Padding stands in
// the last RTCP packet; its length is a multiple of four that fits an octet.
func (w *compound) pad(to units.Bytes) {
	n := min(int(to)-len(w.b), maxPadding) &^ 3
	if n < 4 {
		return
	}
	length := binary.BigEndian.Uint16(w.b[w.last+2:])
	binary.BigEndian.PutUint16(w.b[w.last+2:], length+uint16(n/4))
	w.b[w.last] |= 0x20
	w.b = append(w.b, make([]byte, n-1)...)
	w.b = append(w.b, byte(n))
}
