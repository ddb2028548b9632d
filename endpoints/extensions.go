package endpoints

import (
	"encoding/binary"
	"time"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// WithFeedback adds to the header extensions of a session those that some kinds of
// feedback need: transport-wide sequence numbers or absolute send times, if nobody else
// has signalled them. They are signalled for both directions, and so in the packets of
// both, whichever it is that has such feedback.
func WithFeedback(entries []headerext.Entry, kinds ...Feedback) []headerext.Entry {
	for _, f := range kinds {
		switch f {
		case FeedbackTWCC:
			entries = withEntry(entries, headerext.Entry{ID: 3, URI: headerext.TransportSeq.URI()})
		case FeedbackREMB:
			entries = withEntry(entries, headerext.Entry{ID: 2, URI: headerext.AbsSendTime.URI()})
		case FeedbackRFC8888, FeedbackECN, FeedbackNone:
		}
	}
	return entries
}

// newExtensions returns the map of a session's header extensions.
func newExtensions(entries []headerext.Entry, own ...HeaderExtension) (*headerext.Map, error) {
	var uris []string
	for _, x := range own {
		uris = append(uris, x.URI())
	}
	return headerext.NewMap(entries, false, uris...)
}

// withEntry adds an element that nobody has signalled, unless its id is taken.
func withEntry(entries []headerext.Entry, usual headerext.Entry) []headerext.Entry {
	for _, e := range entries {
		if e.ID == usual.ID || e.URI == usual.URI {
			return entries
		}
	}
	return append(entries[:len(entries):len(entries)], usual)
}

// ExtensionSize returns what header extensions add to every packet of a stream of
// the given kind.
func ExtensionSize(entries []headerext.Entry, f Feedback, k Kind, own ...HeaderExtension) (units.Bytes, error) {
	m, err := newExtensions(WithFeedback(entries, f), own...)
	if err != nil {
		return 0, err
	}
	l, err := newLayouts(m, k, introduction{}, original, own...)
	return l.plain.Size(), err
}

// layouts are the header extensions of a stream's packets: with and without what
// tells the peer which stream it is and how its time runs.
type layouts struct {
	plain, introduced headerext.Layout
	// named are those of packets that say how loud each of their contributing sources is
	// (RFC 6465), by how many there are less one; none if nobody has signalled that.
	named []layouts
}

// introduction is what the peer is told of a stream at first: the media section that it belongs to, and if that has
// several encodings which one it is, or repairs. It may keep that to itself; then everything else stands where it would
// stand with it, so that packets may wait for the pacer while that changes.
type introduction struct {
	mid, rid, repaired string
	silent             bool
}

// layOut says where the header extensions of a stream's packets stand.
func (st *Stream) layOut(u use) error {
	m := st.section
	s := m.session
	var own []HeaderExtension
	if u == original {
		own = s.config.HeaderExtensions
	}
	var err error
	if st.layouts, err = newLayouts(s.extensions, m.config.Kind, m.introduction(u), u, own...); err != nil {
		return err
	}
	if u != original || m.config.Kind != Audio || m.config.Send == nil || m.config.Send.Contributors == nil {
		return nil
	}
	return st.layouts.nameContributors(s.extensions, m.introduction(u), own...)
}

// Packets that are sent again don't say how time runs, nor how loud they are, nor
// anything of somebody's own.
func newLayouts(m *headerext.Map, k Kind, i introduction, u use, own ...HeaderExtension) (layouts, error) {
	return newNamedLayouts(m, k, i, u, 0, own...)
}

// nameContributors adds the layouts of a mix's packets.
func (l *layouts) nameContributors(m *headerext.Map, i introduction, own ...HeaderExtension) error {
	if _, ok := m.ID(headerext.MixerLevels); !ok {
		return nil
	}
	for n := range sound.MostContributors {
		named, err := newNamedLayouts(m, Audio, i, original, n+1, own...)
		if err != nil {
			return err
		}
		l.named = append(l.named, named)
	}
	return nil
}

// newNamedLayouts returns the layouts of packets with so many contributing sources.
func newNamedLayouts(m *headerext.Map, k Kind, i introduction, u use, contributors int, own ...HeaderExtension) (l layouts, err error) {
	always := []headerext.Element{
		{Kind: headerext.TransportSeq}, {Kind: headerext.AbsSendTime}, {Kind: headerext.TransmissionOffset},
	}
	if u == original && k == Audio {
		always = append(always, headerext.Element{Kind: headerext.AudioLevel})
	}
	if contributors > 0 {
		always = append(always, headerext.Element{Kind: headerext.MixerLevels, Length: contributors})
	}
	for i, x := range own {
		always = append(always, headerext.Element{Kind: headerext.Own(i), Length: x.Size()})
	}
	introduced := append([]headerext.Element{{Kind: headerext.MID, Length: len(i.mid)}}, always...)
	if _, ok := m.ID(headerext.NTP64); u != original {
		// nothing more
	} else if ok {
		introduced = append(introduced, headerext.Element{Kind: headerext.NTP64})
	} else {
		introduced = append(introduced, headerext.Element{Kind: headerext.NTP56})
	}
	whole := append(introduced, headerext.Element{Kind: headerext.RID, Length: len(i.rid)}, headerext.Element{Kind: headerext.RepairedRID, Length: len(i.repaired)})
	if !i.silent {
		introduced = whole
	}
	form := m.Form(whole...)
	if l.plain, err = m.Layout(form, always...); err != nil {
		return l, err
	}
	l.introduced, err = m.Layout(form, introduced...)
	return l, err
}

// headerSize is where the header extension of a packet begins: after its CSRCs.
func headerSize(b []byte) int { return rtpHeader + 4*contributorsOf(b) }

// introduces reports whether a stream's packets still say which section they
// belong to and how RTP time maps to wall-clock time: until the peer has reported
// on the stream (RFC 9143 §15.1, RFC 6051 §3.3), and then with every key frame.
func (st *Stream) introduces(key bool) bool { return !st.known || key }

// unheard is how long nothing has come of the peer when somebody who speaks up may be new to the session. For a while after
// the first packet, as long as RTCP's interval (RFC 3550 §6.2), SSRCs of the same end are heard one after the other.
const (
	unheard      = 200 * time.Millisecond
	acquaintance = 5 * time.Second
)

// introduceAnew lets all streams say once more which section they belong to, as whoever takes part now may have been
// started anew, and not know it.
func (s *Session) introduceAnew() {
	s.silence = 0
	for _, st := range s.streams {
		if st.known {
			st.known, st.named = false, 0
		}
	}
}

// layout returns the header extension of a packet without contributing sources.
func (st *Stream) layout(introduced bool) *headerext.Layout { return st.layoutOf(introduced, 0) }

// layoutOf returns the header extension of a packet with so many contributing sources.
func (st *Stream) layoutOf(introduced bool, contributors int) *headerext.Layout {
	l := &st.layouts
	if contributors > 0 && len(l.named) > 0 {
		l = &l.named[contributors-1]
	}
	if introduced {
		return &l.introduced
	}
	return &l.plain
}

// contributorsOf returns how many contributing sources a packet has.
func contributorsOf(b []byte) int { return int(b[0] & 0x0f) }

// A packet that waits for the pacer says in Hop which stream it belongs to, whether
// its header extension introduces the stream, and what its loss would mean.

func hop(st *Stream, introduced bool, i nack.Importance) int32 {
	h := int32(st.index)<<3 | int32(i)<<1
	if introduced {
		h |= 1
	}
	return h
}

func (s *Session) ofHop(p *packet.Packet) (st *Stream, introduced bool, i nack.Importance) {
	return s.streams[p.Hop>>3], p.Hop&1 != 0, nack.Importance(p.Hop >> 1 & 3)
}

// writeExtension writes what is known when a packet is made: captured is the time
// that its RTP timestamp stands for.
func (st *Stream) writeExtension(b []byte, introduced bool, captured simtime.Time, level uint8, voice bool) {
	l := st.layoutOf(introduced, contributorsOf(b))
	if l.Size() == 0 {
		return
	}
	b[0] |= 0x10
	block := b[headerSize(b):]
	l.Write(block)
	if introduced {
		ntp := simtime.ToNTP(st.section.session.endpoint.wallClock(captured))
		if d := l.Data(block, headerext.MID); d != nil {
			headerext.PutText(d, st.section.mid)
		}
		if d := l.Data(block, headerext.RID); d != nil {
			headerext.PutText(d, st.section.config.RID)
		}
		if d := l.Data(block, headerext.RepairedRID); d != nil {
			headerext.PutText(d, st.section.config.RID)
		}
		if d := l.Data(block, headerext.NTP64); d != nil {
			headerext.PutNTP64(d, ntp)
		}
		if d := l.Data(block, headerext.NTP56); d != nil {
			headerext.PutNTP56(d, ntp)
		}
	}
	if d := l.Data(block, headerext.AudioLevel); d != nil {
		headerext.PutAudioLevel(d, level, voice)
	}
}

// stamp writes what is known only when a packet leaves.
func (st *Stream) stamp(now simtime.Time, b []byte, introduced bool, tseq uint64) {
	l := st.layoutOf(introduced, contributorsOf(b))
	if l.Size() == 0 {
		return
	}
	block := b[headerSize(b):]
	if d := l.Data(block, headerext.TransportSeq); d != nil {
		headerext.PutTransportSeq(d, uint16(tseq))
	}
	if d := l.Data(block, headerext.AbsSendTime); d != nil {
		headerext.PutAbsSendTime(d, simtime.ToNTP(st.section.session.endpoint.wallClock(now)))
	}
	if d := l.Data(block, headerext.TransmissionOffset); d != nil {
		headerext.PutTransmissionOffset(d, int32(st.rtpTime(now)-binary.BigEndian.Uint32(b[4:])))
	}
	st.section.session.writeOwn(now, b, block, l)
}
