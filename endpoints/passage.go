package endpoints

import (
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Passage stands in for the encoder of a section that sends what comes from elsewhere: see
// [Section.Forward].
type Passage struct {
	// From is where the media come from.
	From *Section
	// Wanted, if not nil, is told what rate of encoded media the section may have.
	Wanted func(now simtime.Time, r units.BitRate)
	// Mixes makes the stream one of the middlebox's own, whatever goes through it
	// (RFC 7667 §3.6.2): timestamps go on when another source takes over, and each packet
	// names its source (CSRC) unless it is Nameless.
	Mixes, Nameless bool

	name string // CNAME of whose media they are, of those that mix

	goal   units.BitRate
	closed bool // until a frame comes that can be decoded by itself
	off    bool // nothing is to go
	flows  bool // something came at seen, or not long before
	seen   simtime.Time

	// What comes of source, in a section from and with a CNAME, leaves in stream, with numbers
	// by stretches, the oldest first. Another one that is followed takes over with its first
	// packet.
	from      *Section
	named     string
	source    uint32
	stream    *Stream
	stretches []stretch
	last      uint64 // highest number of the source that has one
	ended     bool   // a frame, with the highest that has left

	// Of those that mix: what timestamps are ahead of the source's, and the last one.
	offset uint32
	lastTS uint32
	lastAt simtime.Time
	csrc   [1]uint32
}

// stretch is a part of a source without padding in it: what comes with number base leaves
// with number first, and what follows at the same distance.
type stretch struct {
	base  uint64
	first uint16
}

// maxStretches bounds what is remembered for packets that come late.
const maxStretches = 64

// Follow lets the stream have another source, with its CNAME: video begins with a key frame
// of it.
func (p *Passage) Follow(from *Section, cname string) {
	if p.From != from {
		p.From, p.name, p.closed = from, cname, true
	}
}

// timestamp returns that of a packet that leaves: the source's, or as much later than the
// last one's as time has gone by if another source begins.
func (p *Passage) timestamp(now simtime.Time, f *Passing, clock int) uint32 {
	if !p.Mixes {
		return f.Timestamp
	}
	if p.stream != nil && p.source != f.SSRC {
		since := now.Sub(p.lastAt).Microseconds()*int64(clock)/1_000_000 + 1
		p.offset = p.lastTS + uint32(since) - f.Timestamp
	}
	return f.Timestamp + p.offset
}

// number returns the sequence number with which a packet leaves: the next of the stream when
// the passage opens, and from then on at the same distance, so that what comes late has its
// place. It is false for what is older.
func (p *Passage) number(st *Stream, f *Passing) (uint16, bool) {
	if p.closed || !p.carries(st, f.SSRC) {
		p.from, p.named, p.source = p.From, p.name, f.SSRC
		p.stream, p.last = st, f.Seq
		p.stretches = append(p.stretches[:0], stretch{f.Seq, st.seq})
	}
	seq, ok := p.place(f.Seq)
	if ok && f.Seq >= p.last {
		p.last, p.ended, st.seq = f.Seq, f.Marker, seq+1
	}
	return seq, ok
}

// carries reports whether what comes of a source has numbers of a stream.
func (p *Passage) carries(st *Stream, source uint32) bool {
	return p.stream == st && p.source == source
}

// place returns the number that stands for one of the source; false for one that is too old.
func (p *Passage) place(seq uint64) (uint16, bool) {
	for i := len(p.stretches) - 1; i >= 0; i-- {
		if s := &p.stretches[i]; seq >= s.base {
			return s.first + uint16(seq-s.base), true
		}
	}
	return 0, false
}

// proceed lets what follows the last number of the source have the stream's next one.
func (p *Passage) proceed(st *Stream) {
	if n := len(p.stretches); n > 0 && p.stretches[n-1].base == p.last+1 {
		p.stretches = p.stretches[:n-1]
	}
	if len(p.stretches) == maxStretches {
		p.stretches = append(p.stretches[:0], p.stretches[1:]...)
	}
	p.stretches = append(p.stretches, stretch{p.last + 1, st.seq})
}

// mayPad reports whether padding may go in a stream: not within a frame, which receivers take
// to have nothing else in it.
func (p *Passage) mayPad(st *Stream) bool { return p.closed || p.stream != st || p.ended }

// padded notes that padding has taken the stream's next number: what follows is one further,
// and what comes late has the number that it would have had.
func (p *Passage) padded(st *Stream) {
	if p.stream == st {
		p.proceed(st)
	}
}

// Omit notes that a number of a source is that of padding, which isn't sent on. Nothing is
// missing then, unless later packets have left already.
func (m *Section) Omit(source uint32, seq uint64) {
	p, st := m.Passage(), m.main
	if p.closed || !p.carries(st, source) || seq <= p.last {
		return
	}
	st.seq, _ = p.place(seq)
	p.last = seq
	p.proceed(st)
}

// drought is how long nothing comes until a passage needs no rate any more.
const drought = 2 * time.Second

// needed reports whether the passage takes part in the session's rate.
func (p *Passage) needed(now simtime.Time) bool {
	return !p.off && p.flows && now.Sub(p.seen) <= drought
}

// Switch lets media through or not. Who is off has no part in the session's rate; when it
// is on again video begins with a key frame.
func (p *Passage) Switch(on bool) { p.off = !on }

// On reports whether media are let through.
func (p *Passage) On() bool { return !p.off }

// Request implements [encoder.Encoder].
func (p *Passage) Request(now simtime.Time, r units.BitRate) {
	p.goal = r
	if p.Wanted != nil {
		p.Wanted(now, r)
	}
}

// Goal returns the rate that the section may have.
func (p *Passage) Goal() units.BitRate { return p.goal }

// NextFrame implements [encoder.Encoder]: frames come when they come.
func (*Passage) NextFrame() simtime.Time { return simtime.Never }

// Encode is never asked for.
func (*Passage) Encode(simtime.Time) encoder.Frame { panic("endpoints: a passage encodes nothing") }

// Skip implements [encoder.Encoder].
func (*Passage) Skip(simtime.Time) {}

// Refresh implements [encoder.Encoder]: key frames are asked for by [Section.RequestRefresh].
func (*Passage) Refresh() {}

// Reallocate divides the session's rate anew, as passages are on that weren't, or off.
func (m *Section) Reallocate(now simtime.Time) {
	m.session.touch()
	if m.session.entered && !m.session.gone() {
		m.session.requestRates(now, nil)
	}
}

// Suspended reports whether the section sends nothing as the rate doesn't suffice.
func (m *Section) Suspended() bool { return m.suspended }

// Passage returns what the section sends from, or nil if it encodes media itself.
func (m *Section) Passage() *Passage {
	if m.config.Send == nil {
		return nil
	}
	p, _ := m.config.Send.Encoder.(*Passage)
	return p
}

// Forward sends a packet on in the section, under its SSRC and with a number of its own. It
// returns false if the packet doesn't go: nothing may be sent now, or nobody could decode it
// before there is a key frame, which then is asked for.
func (m *Section) Forward(now simtime.Time, f *Passing) bool {
	s, st, passage := m.session, m.main, m.Passage()
	s.touch()
	dry := !passage.needed(now)
	if passage.flows, passage.seen = true, now; dry {
		m.Reallocate(now)
	}
	if st.local == nil || passage.off || m.stopped || m.halted() || m.suspended || s.gone() {
		passage.closed = true
		return false
	}
	if m.config.Kind == Video && !m.mayOpen(now, f) {
		return false
	}
	ts := passage.timestamp(now, f, st.clock)
	seq, ok := passage.number(st, f)
	if !ok {
		return false
	}
	passage.closed = false
	if f.Seq == passage.last {
		passage.lastTS, passage.lastAt = ts, now
	}
	if f.Opens() {
		m.refreshed, m.everRefreshed, m.refreshDue = now, true, false
	}
	m.refreshIfDue(now)
	introduced := st.introduces(f.Opens())
	h := rtp.Header{
		Version: 2, Marker: f.Marker, PayloadType: f.PayloadType,
		SequenceNumber: seq, Timestamp: ts, SSRC: st.ssrc, CSRC: passage.contributors(f),
	}
	head := rtpHeader + 4*len(h.CSRC) + int(st.layout(introduced).Size())
	p := s.endpoint.config.Pool.New()
	b := p.SetPayload(head + len(f.Payload))
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, introduced, f.Importance)
	if _, err := h.MarshalTo(b); err != nil {
		panic("endpoints: RTP header doesn't fit its packet: " + err.Error())
	}
	st.writeExtension(b, introduced, now, 0, false)
	copy(b[head:], f.Payload)
	m.push(p)
	s.pump(now)
	return true
}

// contributors returns the CSRCs of a packet.
func (p *Passage) contributors(f *Passing) []uint32 {
	if !p.Mixes || p.Nameless {
		return nil
	}
	p.csrc[0] = f.SSRC
	return p.csrc[:]
}

// mixes reports whether the section's packets name contributing sources.
func (m *Section) mixes() bool {
	if p := m.Passage(); p != nil {
		return p.Mixes && !p.Nameless
	}
	return m.config.Send != nil && m.config.Send.Contributors != nil
}

// contributors returns whose media the section has sent of late, as far as others are to know.
func (m *Section) contributors(now simtime.Time) []Contributor {
	if !m.mixes() {
		return nil
	}
	p := m.Passage()
	switch {
	case p == nil:
		return m.config.Send.Contributors(now)
	case p.stream == nil || p.named == "":
		return nil
	}
	return []Contributor{{p.source, p.named}}
}

// What comes faster than the session may send waits in the pacer: for no longer than
// overfull; then video is left out until there is room again.
const (
	overfull = 400 * time.Millisecond
	roomy    = 50 * time.Millisecond
)

// mayOpen reports whether a packet of video may go on: that frames before it have, or that it
// begins one which needs none of them. Such a frame is asked for if there is room for it.
func (m *Section) mayOpen(now simtime.Time, f *Passing) bool {
	passage, backlog := m.Passage(), m.session.pacer.Delay()
	if backlog > overfull {
		passage.closed = true
	}
	if !passage.closed {
		return true
	}
	if backlog > roomy {
		return false
	}
	if f.First && !f.Opens() {
		passage.From.RequestRefresh(now)
	}
	return f.Opens()
}

// TellBeyond lets reports on what comes in the section count what is lost further on, of as many
// as are lost here (RFC 3550 §7.2).
func (m *Section) TellBeyond(lost func(here int64) int64) { m.beyond = lost }

// Represent lets the section's SSRC have the name of whose media it sends, instead of the
// connection's (RFC 7667 §3.7).
func (m *Section) Represent(cname string) { m.cname = cname }

// cname returns the CNAME of a stream.
func (st *Stream) cname() string {
	if c := st.section.cname; c != "" {
		return c
	}
	return st.section.session.connection.cname
}

// reportTime returns the RTP timestamp that an SR sets beside the wall-clock time.
func (st *Stream) reportTime(now simtime.Time) uint32 {
	if p := st.section.Passage(); p != nil && p.from != nil {
		if ts, ok := p.from.timestampAt(now, p.source); ok {
			return ts + p.offset
		}
	}
	return st.rtpTime(now)
}
