package endpoints

import (
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Passage stands in for the encoder of a section that sends what comes from elsewhere: see
// [Section.Forward]. A section that is new makes it its own: see [Section.Passage].
type Passage struct {
	closed bool // until a frame comes that can be decoded by itself
	off    bool // nothing is to go
	flows  bool // something came at seen, or not long before
	// Mixes makes the stream one of the middlebox's own, whatever goes through it
	// (RFC 7667 §3.6.2): timestamps go on when another source takes over, and each packet
	// names its source (CSRC) unless it is Nameless.
	Mixes, Nameless bool
	replaced        bool // there is a source before the one that is followed
	// Of those that mix: the last timestamp.
	lastTS uint32
	lastAt simtime.Time
	seen   simtime.Time
	look   simtime.Time // when the session's rate may have to be divided anew; never if nothing comes

	// Another source that is followed takes over with its first packet; what comes late of the
	// one before has its place still.
	now, before numbering

	// From is where the media come from.
	From *Section
	// Wanted, if not nil, is told what rate of encoded media the section may have.
	Wanted func(now simtime.Time, r units.BitRate)
	// Better is the rate of encoded media from which on what passes could be of a better quality;
	// 0 if there is none.
	Better units.BitRate

	csrc [1]uint32
	goal units.BitRate
	name string // CNAME of whose media they are, of those that mix
}

// numbering is how the packets of a source are numbered that leave: what comes of it, in a
// section from and with a CNAME, leaves in stream, with numbers by stretches, the oldest first and
// the newest by itself.
type numbering struct {
	last      uint64 // highest number of the source that has one
	stream    *Stream
	source    uint32
	offset    uint32 // what timestamps are ahead of the source's, of those that mix
	ended     bool   // a frame, with the highest that has left
	picture   uint16 // number of the source's last frame, also of what has been left out
	newest    stretch
	stretches []stretch // before that
	from      *Section
	named     string
}

// stretch is a part of a source of which all leaves, without padding in it: what comes with number
// base leaves with number first, and what follows at the same distance. Pictures have numbers that
// are less by how many have been left out.
type stretch struct {
	base  uint64
	first uint16
	less  uint16
}

// place is where a packet of a source stands in a stream: its number, and by how much less that of its
// picture is.
type place struct{ number, less uint16 }

// maxStretches bounds what is remembered for packets that come late.
const maxStretches = 64

// Follow lets the stream have another source, with its CNAME: video begins with a key frame
// of it.
func (p *Passage) Follow(from *Section, cname string) {
	if p.From != from {
		p.From, p.name, p.closed = from, cname, true
	}
}

// next returns the place of a packet that isn't late; false if it is older than what the
// passage has begun with.
func (p *Passage) next(now simtime.Time, st *Stream, f *Passing) (place, bool) {
	if p.closed || !p.now.carries(st, f.SSRC) {
		p.begin(now, st, f)
		p.closed = false
	}
	n := &p.now
	at, ok := n.place(f.Seq)
	if ok {
		n.last, n.ended, n.picture, st.seq = f.Seq, f.Marker, f.Picture, at.number+1
		p.lastTS, p.lastAt = f.Timestamp+n.offset, now
	}
	return at, ok
}

// begin lets a packet be the first of a source, or the first that goes after a break: it has
// the stream's next number, and that of another source a timestamp as much later than the last
// one as time has gone by, if sources are mixed. Numbers of its pictures go on from the last, too.
func (p *Passage) begin(now simtime.Time, st *Stream, f *Passing) {
	offset, less := uint32(0), uint16(0)
	if was := &p.now; was.stream != nil {
		if less = was.newest.less; p.closed || was.source != f.SSRC {
			less += f.Picture - was.picture - 1
		}
		if offset = was.offset; p.Mixes && was.source != f.SSRC {
			since := now.Sub(p.lastAt).Microseconds()*int64(st.clock)/1_000_000 + 1
			offset = p.lastTS + uint32(since) - f.Timestamp
		}
	}
	p.now, p.before = p.before, p.now
	p.replaced = p.before.stream != nil
	p.now = numbering{
		from: p.From, named: p.name, source: f.SSRC, stream: st, last: f.Seq, offset: offset, picture: f.Picture,
		newest: stretch{f.Seq, st.seq, less}, stretches: p.now.stretches[:0],
	}
}

// late returns among whose packets one has its place that comes after later ones have left, nil
// if it doesn't: that of which nothing before has left hasn't.
func (p *Passage) late(st *Stream, source uint32, seq uint64) *numbering {
	switch {
	case p.now.spans(st, source, seq):
		return &p.now
	case p.replaced && p.before.spans(st, source, seq):
		return &p.before
	}
	return nil
}

// spans reports whether a number lies between the first and the last that have one.
func (n *numbering) spans(st *Stream, source uint32, seq uint64) bool {
	return seq < n.last && n.carries(st, source) && seq >= n.base()
}

// carries reports whether what comes of a source has numbers of a stream.
func (n *numbering) carries(st *Stream, source uint32) bool {
	return n.stream == st && n.source == source
}

// place returns what stands for a number of the source; false for one that is too old, or that has
// been left out.
func (n *numbering) place(seq uint64) (place, bool) {
	if seq >= n.newest.base {
		return n.newest.place(seq), true
	}
	after := &n.newest
	for i := len(n.stretches) - 1; i >= 0; i-- {
		s := &n.stretches[i]
		if seq >= s.base {
			at := s.place(seq)
			return at, int16(at.number-after.first) < 0
		}
		after = s
	}
	return place{}, false
}

func (s *stretch) place(seq uint64) place { return place{s.first + uint16(seq-s.base), s.less} }

// base is the first number that has one.
func (n *numbering) base() uint64 {
	if len(n.stretches) > 0 {
		return n.stretches[0].base
	}
	return n.newest.base
}

// proceed lets what follows the last number of the source have the stream's next one.
func (n *numbering) proceed(st *Stream) {
	if n.newest.base != n.last+1 {
		if len(n.stretches) == maxStretches-1 {
			n.stretches = append(n.stretches[:0], n.stretches[1:]...)
		}
		n.stretches = append(n.stretches, n.newest)
	}
	n.newest = stretch{n.last + 1, st.seq, n.newest.less}
}

// mayPad reports whether padding may go in a stream: not within a frame, which receivers take
// to have nothing else in it.
func (p *Passage) mayPad(st *Stream) bool { return p.closed || p.now.stream != st || p.now.ended }

// padded notes that padding has taken the stream's next number: what follows is one further,
// and what comes late has the number that it would have had.
func (p *Passage) padded(st *Stream) {
	if p.now.stream == st {
		p.now.proceed(st)
	}
}

// Omit notes that a number of a source is that of padding, which isn't sent on. Nothing is
// missing then; if later packets have left already, padding of the section's own stands for it.
func (m *Section) Omit(now simtime.Time, source uint32, seq uint64) {
	m.session.touch()
	if at, gap := m.Passage().omit(m.main, source, seq); gap && m.maySend() {
		m.sendPadding(at.number, 1)
		m.session.pump(now)
	}
}

// LeaveOut is Omit for a packet of a picture of which nothing is sent on: then there is no number left
// free for that either.
func (m *Section) LeaveOut(now simtime.Time, f *Passing) {
	m.Omit(now, f.SSRC, f.Seq)
	m.Passage().skip(m.main, f)
}

// skip counts a picture that is left out. One that comes when later ones have gone leaves a gap.
func (p *Passage) skip(st *Stream, f *Passing) {
	n := &p.now
	if ahead := (f.Picture - n.picture) & pictureNumbers; p.closed || !n.carries(st, f.SSRC) || ahead == 0 || ahead > pictureNumbers/2 {
		return
	}
	n.picture = f.Picture
	n.newest.less++
}

// omit leaves a number out. It returns the place in the stream that nothing stands for then, if
// there is one.
func (p *Passage) omit(st *Stream, source uint32, seq uint64) (at place, gap bool) {
	if n := p.late(st, source, seq); n != nil {
		return n.place(seq)
	}
	n := &p.now
	if p.closed || !n.carries(st, source) || seq <= n.last {
		return place{}, false
	}
	if n.last = seq; n.newest.base == seq { // nothing has left since another was left out
		n.newest.base++
		return place{}, false
	}
	st.seq = n.newest.place(seq).number
	n.proceed(st)
	return place{}, false
}

// drought is how long nothing comes until a passage needs no rate any more.
const drought = 2 * time.Second

// needed reports whether the passage takes part in the session's rate.
func (p *Passage) needed(now simtime.Time) bool {
	return !p.off && p.flows && now.Sub(p.seen) <= drought
}

// lookAtPassage divides the session's rate anew if nothing has come for long, and lets a
// suspended stream go on if that is possible by now.
func (m *Section) lookAtPassage(now simtime.Time) {
	p := m.Passage()
	if p == nil || now < p.look {
		return
	}
	switch dry := p.seen.Add(drought + 1); {
	case dry <= now:
		p.flows, p.look = false, simtime.Never
		m.session.requestRates(now, nil)
	case m.suspended:
		m.session.requestRates(now, nil)
		p.look = now.Add(suspendedStep)
	default:
		p.look = dry
	}
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

// Passage returns what the section sends from, or nil if it encodes media itself. It isn't the one that was
// configured, but has all that that had.
func (m *Section) Passage() *Passage { return m.passage }

// Forward sends a packet on in the section, under its SSRC and with a number of its own: the
// next of the stream when the passage opens, and from then on at the same distance, so that
// what comes late has its place. It returns false if the packet doesn't go: nothing may be sent
// now, it is too old, or nobody could decode it before there is a key frame, which then is
// asked for.
func (m *Section) Forward(now simtime.Time, f *Passing) bool {
	s, st, passage := m.session, m.main, m.Passage()
	s.visit()
	if passage.late(st, f.SSRC, f.Seq) != nil {
		return m.Complete(now, f)
	}
	dry := !passage.needed(now)
	if passage.flows, passage.seen = true, now; dry {
		passage.look = now.Add(suspendedStep)
		m.Reallocate(now)
	}
	if passage.off || m.suspended || !m.maySend() {
		passage.closed = true
		return false
	}
	if m.config.Kind == Video && !m.mayOpen(now, f) {
		return false
	}
	at, ok := passage.next(now, st, f)
	if ok {
		m.sendOn(now, f, at, passage.now.offset)
	}
	return ok
}

// Complete sends a packet on that comes late, if others have been sent on between which it
// belongs: also of what the section has sent before it was switched to something else. Without
// it there would be a gap in what leaves, and receivers would report it lost that isn't.
func (m *Section) Complete(now simtime.Time, f *Passing) bool {
	m.session.visit()
	n := m.Passage().late(m.main, f.SSRC, f.Seq)
	if n == nil || !m.maySend() {
		return false
	}
	at, ok := n.place(f.Seq)
	if ok {
		m.sendOn(now, f, at, n.offset)
	}
	return ok
}

// maySend reports whether the section may send at all.
func (m *Section) maySend() bool {
	return m.main.local != nil && !m.stopped && !m.halted() && !m.session.gone()
}

// sendOn sends a packet on at a place.
func (m *Section) sendOn(now simtime.Time, f *Passing, at place, offset uint32) {
	s, st, passage := m.session, m.main, m.Passage()
	if f.Opens() {
		m.refreshed, m.everRefreshed, m.refreshDue = now, true, false
	}
	m.refreshIfDue(now)
	introduced := st.introduces(f.Opens())
	h := rtp.Header{
		Version: 2, Marker: f.Marker, PayloadType: f.PayloadType,
		SequenceNumber: at.number, Timestamp: f.Timestamp + offset, SSRC: st.ssrc, CSRC: passage.contributors(f),
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
	if m.config.Kind == Audio {
		m.utter(now)
	}
	if at.less != 0 && m.config.Kind == Video {
		setVP8Picture(b[head:], f.Picture-at.less)
	}
	m.push(p)
	s.pump(now)
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
	case p.now.stream == nil || p.now.named == "":
		return nil
	}
	return []Contributor{{p.now.source, p.now.named}}
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
	if p := st.section.Passage(); p != nil && p.now.from != nil {
		if ts, ok := p.now.from.timestampAt(now, p.now.source); ok {
			return ts + p.now.offset
		}
	}
	return st.rtpTime(now)
}
