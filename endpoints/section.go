package endpoints

import (
	"errors"
	"fmt"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/ulpfec"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/sound"
	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Kind is a media type.
type Kind string

// The media types.
const (
	Video Kind = "video"
	Audio Kind = "audio"
)

// known returns the media type as it is written here: that one is like another then shows without looking at
// letters.
func (k Kind) known() Kind {
	for _, known := range [...]Kind{Video, Audio} {
		if k == known {
			return known
		}
	}
	return k
}

// SectionConfig describes a media section: what SDP calls an m-line. What every packet needs stands first.
type SectionConfig struct {
	Kind Kind
	// Formats are what may be received at any time (RFC 8834 §4.3). The first is
	// what is sent. A payload type means the same in all sections of a session.
	Formats []Format
	// Send describes what this end sends; nil if it only receives.
	Send *SendConfig
	// Transit gets what comes in the section instead of a decoder; nil decodes.
	Transit Transit
	Name    string
	// SSRC of this end if it was signalled, and that of the peer (RFC 5576); 0
	// leaves it to chance.
	SSRC, RemoteSSRC uint32
	// RepairSSRC and RemoteRepairSSRC are those of packets that are sent again, if they were signalled
	// (RFC 5576 §4.2: FID).
	RepairSSRC, RemoteRepairSSRC uint32
	// Source, if not empty, is the media source of which the section is one encoding (simulcast), and RID which one
	// (RFC 8851). To the peer all encodings of a source are one media section: they share the MID of the first,
	// and packets say which encoding they are of (RFC 8853 §5.5) by header extensions that have to be signalled.
	Source, RID string
	// MSID names the MediaStreams that what this end sends is in, RemoteMSID those of
	// what the peer sends: see [CheckMSID]. Without any, the description has no a=msid
	// line, and the receiver takes its default MediaStream.
	MSID, RemoteMSID []string
	// Ear hears what is played in a section of audio, if it comes in G.711 or DVI4.
	Ear sound.Ear
}

// SendConfig describes a stream to send.
type SendConfig struct {
	Encoder encoder.Encoder
	// Clock is what the encoder goes by, and the stream's RTP timestamps.
	Clock simtime.Clock
	// Start is when the encoder's first frame is due; before it the stream has
	// no part in the connection's rate.
	Start simtime.Time
	// Stop ends the stream with a BYE; simtime.Never doesn't.
	Stop simtime.Time
	// Pauses are stretches of time without frames, in order.
	Pauses []Pause
	// Layers is the number of temporal layers of video.
	Layers int
	// FEC is how many repair packets protect a packet of video, where it has a format
	// for them; 0 leaves it to Repair.FEC of the session.
	FEC float64
	// Repeats is how many earlier frames a packet of audio repeats, where its format
	// has RED; 0 to 16.
	Repeats int
	// Level divides the rate among streams.
	Level Level
	// DSCP marks the stream's packets (RFC 8837).
	DSCP uint8
	// Contributors, if not nil, says whose sound the stream's mixes have had of late, or whose
	// pictures, for SDES (RFC 3550 §7.3): packets may name them, and say how loud each is.
	Contributors func(now simtime.Time) []Contributor
	// Digits are keys that are pressed, in order, where the encoder is a [Speaker]: see [Section.Press].
	Digits []dtmf.Digits
	// Sources, if not nil, says by SSRC whose pictures a frame of video has, for CSRC lists. It is
	// read at once.
	Sources func() []uint32
	// PacketSize bounds RTP packets, SRTP tag included.
	PacketSize units.Bytes
	// Model tells what the stream costs on the wire; see [StreamModel].
	Model StreamModel
	// BreakerGroup names streams that a circuit breaker stops together (RFC 8083 §8); an
	// empty one is a stream by itself. FrameGroup is how many frames have one rate (G of
	// §3); 0 stands for 1.
	BreakerGroup string
	FrameGroup   int
	// Bandwidth is what the peer's description allows the medium (b=AS of RFC 8866
	// §5.8), in bit/s with UDP and IP headers; RTCP comes on top. 0 is no limit.
	Bandwidth units.BitRate
}

// Pause is a stretch of time: From is in it, To isn't.
type Pause struct{ From, To simtime.Time }

// Section is a media section at one end. Its main stream carries the media, or
// only reports (RFC 8108 §6.1).
type Section struct {
	session       *Session // what every packet needs stands first, as in a session
	main          *Stream
	passage       *Passage      // nil if it encodes media itself
	limits        *tmmbr.Sender // of the main stream
	wish          *wish         // limit on the peer's stream
	fec           *flexfec.Receiver
	recovers      bool  // there may be FEC
	deaf          bool  // see Listen
	dscp          uint8 // of media packets
	stopped       bool
	flow          int32     // see Number
	sources       []*source // that belong to it, in no order
	held          bool      // see Hold
	paused        paused
	absent        absent
	muted         bool // see Mute
	hushed        bool // audio has been withheld since the last that was sent
	reached       bool // the peer has got packets of the stream
	suspended     bool // sends nothing because the rate doesn't suffice
	everRefreshed bool
	refreshDue    bool // another key frame is to be made
	reportWanted  bool // the peer needs an SR of the main stream
	trade         trade
	judged        judged
	resend        *resender   // nil if packets aren't sent again
	guard         *guard      // nil if there is no FEC
	redundant     *redundancy // nil if packets go as they are
	// bandwidth is what the peer has signalled for the medium.
	bandwidth   signalledBandwidth
	refreshed   simtime.Time // when the last one was
	refreshFrom simtime.Time // the other one not before

	watched *breaker.Memory // nil if breakers have their own

	config SectionConfig
	index  int
	medium int    // which media section of the description it is, or is in
	mid    string // identification tag of that (RFC 9143 §15)
	single bool   // nobody has agreed to encodings: see Simulcast

	firstMarked simtime.Time
	marked      int // packets with the DSCP so far
	suspendedAt simtime.Time

	binding     binding
	policy      *policy          // nil if protection is fixed
	repairHeard simtime.Time     // when a repair packet came; 0 if none has
	unwrapper   *ulpfec.Receiver // of video with redundant data; nil before the first

	cname    string // of what it sends, if not the connection's
	arranged string // how what it sends is put together

	keypad        *dtmf.Sender // nil if no key was ever pressed
	spoke, talked simtime.Time // when a frame of speech was sent last, and one of a talk spurt

	requesters []requester

	pictureID    uint16
	frame        uint64         // number of the last frame
	refreshing   playout.Region // of the frame that is made
	repair       pictureRepair
	pictures     []pictureOf            // of the last packets, by their number, if NACKs steer
	contributing []ContributingSource   // of what is received
	beyond       func(here int64) int64 // packets lost where a translator has passed them on; nil if it has none
}

// newSection makes a media section in a place, which may have been one's of before a restart.
func newSection(now simtime.Time, s *Session, at plot, index int, sc SectionConfig) (*Section, error) {
	if len(sc.Formats) == 0 {
		return nil, errors.New("no payload format")
	}
	for _, ids := range [][]string{sc.MSID, sc.RemoteMSID} {
		if err := CheckMSID(ids); err != nil {
			return nil, err
		}
	}
	m := at.section
	sc.Kind = sc.Kind.known()
	*m = Section{session: s, config: sc, recovers: sc.Formats[0].FEC != 0, index: index, flow: m.flow, watched: at.watched}
	if err := m.identify(); err != nil {
		return nil, err
	}
	if sc.RemoteSSRC != 0 {
		s.route(sc.RemoteSSRC, m)
	}
	if sc.RemoteRepairSSRC != 0 {
		s.route(sc.RemoteRepairSSRC, m)
	}
	if sc.SSRC != 0 && s.ours(sc.SSRC) != nil {
		return nil, fmt.Errorf("SSRC %08x belongs to another section of this end", sc.SSRC)
	}
	m.main = s.newStreamIn(at.stream, m, sc.Formats[0].Clock, sc.SSRC)
	if m.limits = newLimits(m.main); at.limits != nil {
		*at.limits = *m.limits
		m.limits = at.limits
	}
	if sc.Send != nil {
		if m.passage, _ = sc.Send.Encoder.(*Passage); m.passage != nil && at.passage != nil {
			*at.passage = *m.passage
			m.passage, sc.Send.Encoder = at.passage, at.passage
		}
		m.bandwidth = signalledBandwidth{rate: sc.Send.Bandwidth, at: now}
	}
	var err error
	if err = m.main.layOut(original); err != nil {
		return nil, err
	}
	for _, f := range sc.Formats {
		if _, known := s.types.RTX(m.outer(f.PayloadType)); f.RTX != 0 && !known {
			s.types.Associate(m.outer(f.PayloadType), f.RTX)
		}
	}
	if m.resend, err = newResender(now, m); err != nil {
		return nil, err
	}
	if m.guard, err = newGuard(m); err != nil {
		return nil, err
	}
	m.redundant = newRedundancy(m)
	m.policy = newPolicy(m)
	if sc.Send != nil && s.config.Marking != NeverMark {
		m.dscp = sc.Send.DSCP
		s.marked = s.marked || m.dscp != 0
	}
	m.skipPauses()
	if sc.Send != nil {
		for _, d := range sc.Send.Digits {
			if err := m.Press(now, d); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// skipPauses postpones a frame that would be due in a pause.
func (m *Section) skipPauses() {
	if m.config.Send == nil {
		return
	}
	for _, p := range m.config.Send.Pauses {
		if due := m.config.Send.nextFrame(); p.From <= due && due < p.To {
			m.config.Send.skip(p.To)
		}
	}
}

// nextFrame returns when the encoder's next frame is due.
func (c *SendConfig) nextFrame() simtime.Time { return c.Clock.When(c.Encoder.NextFrame()) }

// skip lets no frame be due before the given time.
func (c *SendConfig) skip(until simtime.Time) {
	shown := c.Clock.At(until)
	for c.Clock.When(shown) < until {
		shown++
	}
	c.Encoder.Skip(shown)
}

// frameTime returns what the sampling clock shows for a frame that is due: not less
// than the encoder expects.
func (c *SendConfig) frameTime(now simtime.Time) simtime.Time {
	return max(c.Clock.At(now), c.Encoder.NextFrame())
}

// beginNow lets go frames that were due before there were keys.
func (m *Section) beginNow(now simtime.Time) {
	if send := m.config.Send; send != nil && send.nextFrame() < now {
		send.skip(now)
		m.skipPauses()
	}
}

// active reports whether the section sends media now.
func (m *Section) active(now simtime.Time) bool {
	send := m.config.Send
	if send == nil || m.stopped || m.held || m.paused.on || m.halted() || now < send.Start {
		return false
	}
	if p := m.Passage(); p != nil && !p.needed(now) {
		return false
	}
	for _, p := range send.Pauses {
		if p.From <= now && now < p.To {
			return false
		}
	}
	return true
}

// Session returns the session that the section is in.
func (m *Section) Session() *Session { return m.session }

// Name returns the section's name.
func (m *Section) Name() string { return m.config.Name }

// Kind returns the media type.
func (m *Section) Kind() Kind { return m.config.Kind }

// Sends reports whether this end sends media in the section.
func (m *Section) Sends() bool { return m.config.Send != nil }

// Goal returns the rate that the encoder aims at; 0 if there is none or it has
// stopped.
func (m *Section) Goal() units.BitRate {
	if m.config.Send == nil || m.stopped {
		return 0
	}
	return m.config.Send.Encoder.Goal()
}

// PlayOut returns the delay of the jitter buffer of a source that the section receives, when a frame was last played, and the
// one that the buffer aims at, both from when the fastest packets would come. It reports whether there is a buffer.
func (m *Section) PlayOut(ssrc uint32) (delay, target time.Duration, ok bool) {
	for _, r := range m.sources {
		switch {
		case r.ssrc != ssrc:
		case r.audio != nil:
			return r.audio.Delay(), r.audio.Target(), true
		case r.buffer != nil:
			return r.buffer.Held(), r.buffer.Target(), true
		}
	}
	return 0, 0, false
}

// Main returns the stream of the section's media.
func (m *Section) Main() *Stream { return m.main }

// HasRepairs reports whether the section sends packets again, or repair packets.
func (m *Section) HasRepairs() bool {
	return m.resend != nil || m.guard != nil || m.carriersRepair() != 0 || m.redundant != nil && m.redundant.audio == nil
}

// HasRedundancy reports whether packets of the section repeat what is in others.
func (m *Section) HasRedundancy() bool { return m.redundant != nil }

// Repairs reports whether an SSRC is that of such a stream.
func (m *Section) Repairs(ssrc uint32) bool {
	switch {
	case m.resend != nil && m.resend.stream.ssrc == ssrc, m.guard != nil && m.guard.stream.ssrc == ssrc:
		return true
	}
	return ssrc != 0 && m.carriersRepair() == ssrc
}

// carriersRepair returns the SSRC by which a carrier sends packets of the section again; 0 is by none.
func (m *Section) carriersRepair() uint32 {
	if !m.session.config.Carried {
		return 0
	}
	return m.config.RepairSSRC
}

// Transcode gives a section whose encoder is an [encoder.Transcoding] a picture: when it was decoded
// and captured, and its size as it came.
func (m *Section) Transcode(now, captured simtime.Time, size units.Bytes) {
	m.session.touch()
	send := m.config.Send
	send.Encoder.(*encoder.Transcoding).Decoded(send.Clock.At(now), send.Clock.At(captured), size)
}

// Compose gives a section whose encoder is an [encoder.Composing] a new picture of what it shows: when
// it was decoded and captured.
func (m *Section) Compose(now, captured simtime.Time) {
	m.session.touch()
	send := m.config.Send
	send.Encoder.(*encoder.Composing).Change(send.Clock.At(now), send.Clock.At(captured))
}

// Arrange says how what the section sends is put together, in words for whoever looks.
func (m *Section) Arrange(now simtime.Time, layout string) {
	if m.arranged != layout {
		m.arranged = layout
		m.session.event(Event{Kind: LayoutChanged, At: now, Section: m})
	}
}

// Layout returns what [Section.Arrange] said last.
func (m *Section) Layout() string { return m.arranged }

// Number lets the packets of the section's media, of which repairs are none, have a number by
// which observers know them.
func (m *Section) Number(n int32) { m.flow = n }

// SSRC returns that of the main stream.
func (m *Section) SSRC() uint32 { return m.main.ssrc }

func (m *Section) nextTimeout() (simtime.Time, Reason) {
	send := m.config.Send
	if send == nil || m.main.local == nil {
		return simtime.Never, ReasonNone
	}
	if m.stopped {
		return simtime.Never, ReasonNone // the BYE waits for the pacer
	}
	limit := m.limits.NextTimeout()
	next := m.nextFrame()
	if p := m.Passage(); p != nil && p.look < min(limit, next, send.Stop) {
		return p.look, ReasonAllocation
	}
	switch {
	case limit < next && limit < send.Stop:
		return limit, ReasonLimit
	case next < send.Stop:
		return next, ReasonFrame
	}
	return send.Stop, ReasonStop
}

func (m *Section) handleTimeout(now simtime.Time) {
	send := m.config.Send
	if send == nil || m.stopped || m.main.local == nil {
		return
	}
	m.raiseLimits(now)
	m.lookAtPassage(now)
	for m.nextFrame() <= now && now < send.Stop {
		if m.judged.ceased {
			m.session.judges.restart(now, m)
			continue
		}
		if m.suspended {
			send.skip(now.Add(suspendedStep))
			m.skipPauses()
			m.session.requestRates(now, nil) // it may go on
			continue
		}
		m.encode(now)
	}
	if now >= send.Stop {
		m.stopped, m.session.parting = true, true
		m.session.applyTarget(now)
	}
}

// encode makes a frame and hands its packets to the pacer.
func (m *Section) encode(now simtime.Time) {
	s := m.session
	if sp, ok := m.config.Send.Encoder.(*Speaker); ok {
		m.speak(now, sp)
		return
	}
	s.requestRates(now, m)
	send := m.config.Send
	m.refreshIfDue(now)
	m.prepareRepair()
	f := send.Encoder.Encode(send.frameTime(now))
	if m.muted {
		m.skipPauses()
		return
	}
	m.noteRepair(now, &f)
	f.Captured = send.Clock.When(f.Captured)
	if f.Composed != 0 {
		f.Composed = send.Clock.When(f.Composed)
	}
	m.skipPauses()
	if f.Key {
		m.refreshed, m.everRefreshed, m.refreshDue = now, true, false
	}
	s.event(Event{Kind: FrameEncoded, At: now, Section: m, Size: f.Size, Key: f.Key})
	if m.redundant != nil {
		m.packetize(f, m.pushRedundant)
		return
	}
	m.packetize(f, m.push)
}

// push hands a packet of the main stream to the pacer.
func (m *Section) push(p *packet.Packet) {
	m.main.queued++
	class := pacer.Normal
	if m.config.Kind == Audio {
		class = pacer.Urgent
	}
	m.session.pacer.Push(p, class)
}
