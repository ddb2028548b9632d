package endpoints

import (
	"github.com/pion/rtp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// What a middlebox is made of that passes media on without decoding them (RFC 7667 §3.6.2,
// §3.7): sections that hand over what they receive, and sections that send what they are
// given, under SSRCs and numbers of their own. Each leg is an ordinary session, with
// reports, repair, keys and a rate controller.

// Passing is a packet of media on its way through a middlebox.
type Passing struct {
	SSRC        uint32 // that it came with
	Seq         uint64 // extended sequence number, in which what is missing leaves gaps
	Timestamp   uint32
	PayloadType uint8
	Marker      bool
	// Payload is what SRTP protects besides headers. It is only lent.
	Payload []byte

	// First says that a frame begins with the packet, and Importance what its frame is; of
	// audio all frames are the same.
	First      bool
	Importance nack.Importance
	// Layer is the temporal layer of layered video, 0 the lowest, and Picture the frame's number.
	Layer   uint8
	Picture uint16
}

// Opens reports whether a decoder can begin with the packet.
func (p *Passing) Opens() bool { return p.First && p.Importance == nack.Key }

// Transit is who gets what a section receives.
type Transit interface {
	// Pass takes a packet in the order of arrival. Those that were lost and sent again come
	// late.
	Pass(now simtime.Time, from *Section, p *Passing)
	// Omit says that a number of a source is that of a packet without media, of which there
	// is nothing to pass.
	Omit(now simtime.Time, from *Section, source uint32, seq uint64)
}

// pass hands over a packet, and looks after what is missing on the way here.
func (r *source) pass(now simtime.Time, ext uint64, h *rtp.Header, m media, b []byte, repaired bool) {
	section := r.section
	// Receivers may wait for what is missing as long as for what has come.
	r.look(now, ext, m, h.Timestamp, now.Add(r.session.config.PlayoutDelay), repaired)
	p := &r.session.passing
	*p = Passing{
		SSRC: r.ssrc, Seq: ext, Timestamp: h.Timestamp, PayloadType: h.PayloadType, Marker: h.Marker, Payload: b,
		First: m.first, Importance: nack.Base, Layer: m.picture.Layer, Picture: m.picture.Number,
	}
	if section.config.Kind == Video && h.Timestamp == r.frame {
		p.Importance = r.importance
	}
	if p.Opens() {
		r.wantsKey, r.refresh.asked = false, false
	}
	r.pausing.came(now, ext)
	r.line.follow(now, r, h.Timestamp)
	section.config.Transit.Pass(now, section, p)
	r.refresh.want(now, r.needsRefresh())
	r.session.wantMessages(now, section)
}

// line relates the time of a middlebox to RTP timestamps of a stream that it passes on, by
// the SRs that came with it, so that its own SRs say the same (RFC 3550 §6.4.1).
type line struct {
	set  bool
	ntp  simtime.Time // by the peer's clock
	ts   uint32
	rate int64

	lastAt simtime.Time // of the last packet, before there is an SR
	lastTS uint32
}

// follow notes a packet.
func (l *line) follow(now simtime.Time, r *source, ts uint32) {
	l.lastAt, l.lastTS, l.rate = now, ts, r.clock
}

// at returns the timestamp for a moment, when the peer's clock shows the given time.
func (l *line) at(now, peer simtime.Time) uint32 {
	since, ts := now.Sub(l.lastAt), l.lastTS
	if l.set {
		since, ts = peer.Sub(l.ntp), l.ts
	}
	return ts + uint32(since.Microseconds()*l.rate/1_000_000)
}

// timestampAt returns the RTP timestamp of a source of a section for a moment, for the SRs of
// whoever passes it on; false if nothing of it has come.
func (m *Section) timestampAt(now simtime.Time, ssrc uint32) (uint32, bool) {
	src := m.session.sourceOf(ssrc)
	if src == nil || src.section != m || src.line.rate == 0 {
		return 0, false
	}
	return src.line.at(now, m.session.endpoint.wallClock(now).Add(m.session.connection.peerClock)), true
}

// heardSR takes what an SR says of a source's time.
func (r *source) heardSR(now simtime.Time, ntp uint64, ts uint32) {
	c := r.session.connection
	peer := simtime.NTP(ntp).Time()
	if !c.peerClockKnown { // once for all streams of a peer, which then stay together
		c.peerClock, c.peerClockKnown = peer.Sub(r.session.endpoint.wallClock(now)), true
	}
	r.line.set, r.line.ntp, r.line.ts = true, peer, ts
}

// RequestRefresh asks the peer for a key frame of the section, until one comes.
func (m *Section) RequestRefresh(now simtime.Time) {
	m.session.touch()
	for _, src := range m.session.sources {
		if src.section == m && src.handsOn && !src.ended {
			src.wantsKey = true
			src.refresh.want(now, true)
		}
	}
	m.session.wantMessages(now, m)
	m.session.SendDue(now)
}

// SendDue sends the RTCP that is due: another session of the endpoint may have made it so,
// after this one has had its turn.
func (s *Session) SendDue(now simtime.Time) {
	s.touch()
	if s.entered && !s.gone() {
		s.runRTCP(now)
	}
}
