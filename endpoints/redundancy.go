package endpoints

import (
	"encoding/binary"
	"errors"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
	"rtpfabric/endpoints/fec/ulpfec"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// redundancy puts the packets of a section into packets with redundant data
// (RFC 2198), which take their place in the main stream. Audio repeats earlier frames
// in later packets; video has repair packets (RFC 5109) after its frames, which use up
// sequence numbers of the stream.
type redundancy struct {
	audio   *red.Sender // nil for video
	scratch []byte

	format *Format
	share  float64 // repair packets for each packet of video
	owed   float64 // of them, still to be made
	since  int     // packets since repair packets were planned
	room   int     // of the largest of them, octets
	plans  []int   // how many repair packets each group gets, in the order of their numbers

	// As packets leave, groups take them in. A frame may need several, as a mask
	// reaches only so far.
	groups  []*ulpfec.Sender
	filling int          // the group that packets go into
	polled  int          // and that repair packets come from
	closed  bool         // repair packets are being made
	repairs [1024]uint64 // whether the packet with a sequence number is one, by the number
}

// reserved marks a packet that waits for the pacer and becomes a repair packet when it
// leaves: it protects packets as they left.
const reserved = nack.Levels

// ulpfecSpan is how many packets a group has at most; a mask reaches over 48.
const ulpfecSpan = 46

// newRedundancy returns nil if the section's packets go as they are.
func newRedundancy(m *Section) *redundancy {
	send := m.config.Send
	f := &m.config.Formats[0]
	switch {
	case send == nil || f.RED == 0 || m.config.Kind == Audio && send.Repeats <= 0:
		return nil
	case m.config.Kind == Audio:
		return &redundancy{audio: red.NewSender(f.RED, send.Repeats, int(send.PacketSize-maxTag)), format: f}
	case f.ULPFEC == 0 || m.fecShare() <= 0:
		return nil
	}
	return &redundancy{format: f, share: m.fecShare()}
}

// maxTag is the largest authentication tag of the SRTP profiles.
const maxTag units.Bytes = 16

// fecShare is how many repair packets the section sends for each of its packets.
func (m *Section) fecShare() float64 {
	if m.config.Send != nil && m.config.Send.FEC > 0 {
		return m.config.Send.FEC
	}
	return m.session.config.Repair.FEC
}

// reduction is by how much packets are smaller, so that with redundant data, and those
// that repair them, they are no larger than others.
func (r *redundancy) reduction(extension int) int {
	if r.audio != nil {
		return 1
	}
	return 1 + ulpfec.MaxOverhead + extension
}

// wrap makes a packet with redundant data of one that is about to wait for the pacer.
func (r *redundancy) wrap(p *packet.Packet, m *Section) {
	tag := p.Size - packet.HeaderIPv4UDP - units.Bytes(len(p.Payload))
	b := p.Payload
	padding := 0
	if b[0]&0x20 != 0 {
		padding = int(b[len(b)-1])
	}
	var err error
	if r.audio != nil {
		pt := m.redOf(b[1] & 0x7f)
		if pt == 0 {
			return // comfort noise of another clock, say
		}
		r.audio.SetPayloadType(pt)
		r.scratch, err = r.audio.Append(r.scratch[:0], b)
	} else {
		r.scratch, err = red.Wrap(r.scratch[:0], b, r.format.RED)
	}
	if err != nil {
		panic("endpoints: a packet of our own isn't RTP: " + err.Error())
	}
	if padding > 0 { // as much as there was (RFC 6562 §4)
		r.scratch[0] |= 0x20
		for range padding {
			r.scratch = append(r.scratch, 0)
		}
		r.scratch[len(r.scratch)-1] = byte(padding)
	}
	copy(p.SetPayload(len(r.scratch)), r.scratch)
	p.Size += tag
}

// redOf returns the payload type of redundant data around packets of another one; 0 if
// there is none.
func (m *Section) redOf(pt uint8) uint8 {
	if f, u := m.format(pt); f != nil && u == original {
		return f.RED
	}
	return 0
}

// pushRedundant hands a packet with redundant data to the pacer and, after the last one
// of a frame of video, packets that become repair packets when they leave.
func (m *Section) pushRedundant(p *packet.Packet) {
	r, last := m.redundant, p.Payload[1]&0x80 != 0
	r.wrap(p, m)
	if r.audio != nil {
		m.push(p)
		return
	}
	if _, _, importance := m.session.ofHop(p); m.protects(importance) {
		r.owed += r.share
		r.since++
		r.room = max(r.room, len(p.Payload))
	}
	m.push(p)
	if !last || r.owed < 1 || r.since == 0 {
		return
	}
	n := min(int(r.owed), r.since)
	r.owed -= float64(n)
	r.plans = append(r.plans, n)
	for range n {
		m.reserve(r.room + ulpfec.MaxOverhead)
	}
	r.since, r.room = 0, 0
}

// reserve lets a packet of about the given size wait for the pacer, with the next
// sequence number.
func (m *Section) reserve(size int) {
	s, st := m.session, m.main
	p := s.endpoint.config.Pool.New()
	b := p.SetPayload(size)
	clear(b[:rtpHeader])
	b[0], b[1] = 0x80, m.redundant.format.RED
	binary.BigEndian.PutUint16(b[2:], st.seq)
	binary.BigEndian.PutUint32(b[4:], st.tsOffset)
	binary.BigEndian.PutUint32(b[8:], st.ssrc)
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, st.introduces(false), reserved)
	st.seq++
	m.push(p)
}

// add takes a packet of video as it leaves.
func (r *redundancy) add(b []byte, protect bool) {
	r.mark(b, false)
	if r.closed { // what was left over of the groups before
		r.clear()
	}
	for protect {
		if r.filling == len(r.groups) {
			r.groups = append(r.groups, ulpfec.NewSender(r.format.RED, r.format.ULPFEC))
		}
		g := r.groups[r.filling]
		if g.Len() < ulpfecSpan {
			err := g.Add(b)
			if err == nil {
				return
			}
			if errors.Is(err, parity.ErrStreams) { // the stream has another SSRC
				r.clear()
				continue
			}
		}
		if r.filling++; r.filling == maxGroups {
			r.clear()
		}
	}
}

// maxGroups bounds how many packets wait for repair packets to be made of them.
const maxGroups = 16

func (r *redundancy) clear() {
	for _, g := range r.groups {
		g.Drop()
	}
	r.filling, r.polled, r.closed = 0, 0, false
}

// close shares the repair packets that are planned among the groups, by their size.
func (r *redundancy) close() {
	n, total, sum, made := 0, 0, 0, 0
	if len(r.plans) > 0 {
		n = r.plans[0]
		r.plans = append(r.plans[:0], r.plans[1:]...)
	}
	for _, g := range r.groups {
		total += g.Len()
	}
	for _, g := range r.groups {
		if total > 0 {
			sum += g.Len()
			share := n*sum/total - made
			made += share
			g.Protect(share)
		}
	}
	r.closed, r.polled = true, 0
}

// fill makes a repair packet of one that was reserved. It reports false if there is
// nothing to protect, as after a change of SSRC.
func (r *redundancy) fill(now simtime.Time, p *packet.Packet, st *Stream, introduced bool) bool {
	if !r.closed {
		r.close()
	}
	s := st.section.session
	seq := binary.BigEndian.Uint16(p.Payload[2:])
	var extension []byte
	if l := st.layout(introduced); l.Size() > 0 {
		extension = s.extension[:l.Size()]
		l.Write(extension)
	}
	for ; r.polled < len(r.groups); r.polled++ {
		b, ok := r.groups[r.polled].Poll(r.scratch[:0], seq, st.rtpTime(now), extension)
		if !ok {
			continue
		}
		r.scratch = b
		copy(p.SetPayload(len(b)), b)
		p.Size += s.protector.OverheadRTP()
		st.writeExtension(p.Payload, introduced, now, 0, false)
		r.mark(p.Payload, true)
		s.repairs.FECSent++
		s.repairs.FECBytes += p.Size
		return true
	}
	return false
}

// mark notes whether a packet is a repair packet.
func (r *redundancy) mark(b []byte, repair bool) {
	seq := binary.BigEndian.Uint16(b[2:])
	if bit := uint64(1) << (seq % 64); repair {
		r.repairs[seq/64] |= bit
	} else {
		r.repairs[seq/64] &^= bit
	}
}

// IsRepair reports whether the packet of the main stream with a sequence number that
// was sent in the last 65535 is a repair packet (RFC 5109).
func (m *Section) IsRepair(seq uint16) bool {
	r := m.redundant
	return r != nil && r.repairs[seq/64]>>(seq%64)&1 != 0
}
