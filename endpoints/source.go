package endpoints

import (
	"slices"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/fec/red"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/sound"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// source is a remote SSRC that sends media: reception statistics after
// RFC 3550 §6.4.1 and Appendix A, and the receive buffer.
type source struct {
	ssrc     uint32 // what every packet needs stands first, as in a session
	index    int32  // among the session's
	member   ssrcs.Place
	noted    ssrcs.Place // among those of which arrivals are recorded
	session  *Session
	routed   routed
	section  *Section          // nil while it isn't known, as the buffers are
	buffer   *playout.Buffer   // of video
	audio    *playout.Adaptive // of audio
	stirred  bool              // see deadlines
	handsOn  bool              // it is passed on, and neither buffer nor audio is there
	ended    bool              // a BYE came
	excess   bool              // it isn't decoded, as there are too many
	dscp     uint8             // of the last packet
	carried  use               // what the last of its packets was for, once media always media
	timed    bool              // transit is known
	wantsKey bool              // somebody behind waits for a key frame

	importance nack.Importance // of the last frame that began
	frame      uint32          // timestamp of that
	transit    uint32          // of the last packet, in timestamp units
	jitter     float64
	clock      int64    // rate of its RTP timestamps, Hz
	carries    *Section // that its packets belong to, whatever they are for; nil if to none

	base       uint64 // extended number of the first packet
	highest    uint64
	received   uint64
	needed     simtime.Time // when the last frame that began is played out
	captured   simtime.Time // of the last frame that says so, with its timestamp
	capturedTS uint32
	refresh    refresher
	pausing    pauser

	missing *nack.Generator // nil if nothing is asked for
	losses  *pictureLoss    // nil if they aren't told
	weigher *weigher        // nil if requests don't depend on what else helps
	sync    *lipSync        // nil if it is played by itself
	trace   *xr.Trace       // nil if nobody wants its arrivals
	fates   *fates          // nil if nobody wants VoIP metrics
	layers  int             // temporal layers that have come
	keys    *dtmf.Receiver  // nil before the first telephone event
	seen    seen

	// Of a session that decodes so many streams only: when media came last, and since when this has
	// been one too many.
	mediaAt, exceedsSince simtime.Time

	lossAt     simtime.Time // when losses were looked at last
	audioClock int64        // that audio was made for
	syncName   uint32

	usefulness usefulness

	lastSR   uint32 // middle 32 bits of the NTP timestamp of the last SR
	lastSRAt uint32 // when it came, the same way

	repeated *red.Receiver // of audio with redundant data; nil before the first
	repeats  int           // most earlier frames that one of its packets had

	selected  bool // it is among the audio that this end decodes, if that is limited
	candidate sound.Candidate
	spare     [][]byte // payloads that were decoded
	samples   []int16
	mixed     []audio.Contributor // of what is decoded

	ecn  ecn.Receiver // counts if the session has ECN summaries
	line line         // of what is passed on
}

// routed is where packets of a source with a payload type belonged last, when routes had changed so many times.
type routed struct {
	section     *Section
	at          uint32
	payloadType uint8
}

// newSource starts at the packet given. Extended sequence numbers begin with
// one cycle, so that a straggler from before the first packet isn't negative.
func newSource(s *Session, m *Section, h *rtp.Header) *source {
	ext := uint64(h.SequenceNumber) + 1<<16
	clock := int64(videoClock) // of formats that nobody knows
	if m != nil {
		f, _ := m.format(h.PayloadType)
		clock = int64(f.Clock)
	}
	src := &source{
		ssrc: h.SSRC, session: s, index: int32(len(s.sources)), base: ext, highest: ext, clock: clock,
	}
	if s.config.ExtendedReports.traced() {
		src.trace = xr.NewTrace(h.SSRC, traceCapacity)
	}
	return src
}

// frameOfAudio is the usual duration of a packet of audio (RFC 3551 §4.2).
const frameOfAudio = 20 * time.Millisecond

// join makes the source one of a media section. What it waited for in another one is
// forgotten.
func (r *source) join(now simtime.Time, m *Section) {
	if r.section == m {
		return
	}
	r.part()
	r.belong(m)
	if m.config.Kind != Audio {
		r.leaveSelection()
	}
	c := &r.session.config
	if r.handsOn = m.config.Transit != nil; r.handsOn {
		r.joinTransit()
		return
	}
	if l := r.session.connection.sync; l != nil {
		l.join(now, r)
	}
	if m.config.Kind == Audio {
		r.startAudio()
		return
	}
	r.buffer = playout.NewBuffer(playout.Config{
		Clock: int(r.clock), Delay: c.PlayoutDelay, Decoder: c.Repair.Decoder, Steady: r.sync != nil,
		Slices: m.marksPictures(),
	})
	if c.Carried {
		r.refresh.kind = c.Repair.Refresh
		return
	}
	if !c.RTCP.AVPF {
		return
	}
	r.losses = newPictureLoss(m)
	r.refresh.kind = c.Repair.Refresh
	if c.Repair.NACK && !c.Without.Requests {
		requests := c.Repair.Requests
		if c.Repair.Adaptive {
			requests.Tries[nack.Discardable] = 0
			r.weigher = &weigher{}
		}
		r.missing = nack.NewGenerator(requests)
	}
}

// part takes the source out of its section, and forgets what it has waited for.
func (r *source) part() {
	if old := r.section; old != nil {
		old.sources = slices.DeleteFunc(old.sources, func(o *source) bool { return o == r })
		r.stir()
	}
	if r.sync != nil {
		r.sync.Remove(r.syncName)
		r.sync = nil
	}
	r.section = nil
	r.buffer, r.missing, r.losses, r.weigher, r.refresh = nil, nil, nil, nil, refresher{}
	r.stopAudio()
}

// belong makes the source one of a section's.
func (r *source) belong(m *Section) {
	r.section = m
	m.sources = append(m.sources, r)
}

// joinTransit makes the source one that is passed on: what is lost is asked for, and key
// frames when somebody else needs them.
func (r *source) joinTransit() {
	c := &r.session.config
	if r.section.config.Kind == Audio || !c.RTCP.AVPF {
		return
	}
	if r.refresh.kind = c.Repair.Refresh; r.refresh.kind == RefreshNone {
		r.refresh.kind = RefreshPLI
	}
	if c.Repair.NACK {
		r.missing = nack.NewGenerator(c.Repair.Requests)
	}
}

// extended returns the extended form of a sequence number.
func (r *source) extended(seq uint16) uint64 {
	return r.highest + uint64(int64(int16(seq-uint16(r.highest))))
}

// note keeps what the source's packets are for.
func (r *source) note(m *Section, u use) {
	if m != nil && (r.carries != m || r.carried != original) {
		r.carries, r.carried = m, u
	}
}

// newer reports whether a packet is later in the stream than all that have come.
func (r *source) newer(seq uint16) bool { return r.extended(seq) > r.highest }

// receive takes a packet; fresh is false if it is a duplicate. Statistics count
// duplicates (RFC 3550 §6.4.1); SRTP leaves none to count.
//
// Deviation (RFC 3550 §A.1): a packet from before the first one that came is
// expected, too; the sample code would count it as a loss of -1 for good.
func (r *source) receive(now simtime.Time, m *Section, h *rtp.Header) (ext uint64, fresh bool) {
	ext = r.extended(h.SequenceNumber)
	r.highest = max(r.highest, ext)
	r.base = min(r.base, ext)
	r.received++
	r.updateJitter(now, m, h)
	return ext, r.seen.fresh(ext)
}

// updateJitter is RFC 3550 §A.8. Both arrivals count in units of the clock of the
// earlier packet, should the format have changed to one with another clock
// (RFC 7160 §4.3).
func (r *source) updateJitter(now simtime.Time, m *Section, h *rtp.Header) {
	var f *Format
	if m != nil {
		if f, _ = m.format(h.PayloadType); f != nil && f.Codec == CodecEvents {
			return // its timestamp is when the event began, which may be long ago
		}
	}
	ticks := func(clock int64) uint32 {
		sec, ns := int64(now)/int64(time.Second), int64(now)%int64(time.Second)
		return uint32(sec*clock + ns*clock/int64(time.Second))
	}
	if r.timed {
		d := int64(int32(ticks(r.clock) - h.Timestamp - r.transit))
		if d < 0 {
			d = -d
		}
		r.jitter += float64((float64(d) - r.jitter) / 16)
	}
	if f != nil {
		r.clock = int64(f.Clock)
	}
	r.transit, r.timed = ticks(r.clock)-h.Timestamp, true
}

// expected returns the number of packets that should have come.
func (r *source) expected() uint64 { return r.highest - r.base + 1 }

// lost returns how many packets haven't come: here, or where a translator has passed them on.
func (r *source) lost() int64 {
	here := int64(r.expected()) - int64(r.received)
	if r.section == nil || r.section.beyond == nil {
		return here
	}
	return here + r.section.beyond(here)
}

// plays reports whether it is a source of media that has been heard, not of repairs.
func (r *source) plays() bool { return r.buffer != nil || r.audio != nil || r.handsOn }

// playoutTimeout returns when a buffer has something to do.
func (r *source) playoutTimeout() simtime.Time {
	switch {
	case r.audio != nil:
		return r.audio.NextTimeout()
	case r.buffer != nil:
		return r.buffer.NextTimeout()
	}
	return simtime.Never
}

func (r *source) handleTimeout(now simtime.Time) {
	if r.audio != nil && r.audio.NextTimeout() <= now {
		r.audio.HandleTimeout(now)
		r.drainAudio(now)
	}
	if r.keys.NextTimeout() <= now {
		r.keys.HandleTimeout(now)
		r.drainDigits(now)
	}
	if r.buffer == nil && !r.handsOn {
		return
	}
	if r.buffer != nil && r.buffer.NextTimeout() <= now {
		r.buffer.HandleTimeout(now)
		r.drain()
	}
	if r.missing != nil {
		r.missing.HandleTimeout(now)
	}
	r.settleLosses(now)
	r.pausing.handleTimeout(now)
	r.refresh.want(now, r.needsRefresh())
	r.session.wantMessages(now, r.section)
}

// needsRefresh reports whether only a key frame helps.
func (r *source) needsRefresh() bool {
	if r.handsOn {
		return !r.ended && r.wantsKey
	}
	if r.losses != nil && (len(r.losses.found) > 0 || r.losses.handles()) {
		return false
	}
	if r.ended {
		return false
	}
	// Where NACKs steer the encoder, what they name needn't come for the picture to be whole.
	gone := r.missing != nil && r.missing.RefreshWanted() && !r.session.config.Repair.NACKSteers
	return gone && !r.buffer.Refreshes(r.missing.Gone()) || r.buffer.NeedsRefresh()
}

// drain turns the buffer's results into events.
func (r *source) drain() {
	s := r.session
	for {
		f, ok := r.buffer.Poll()
		if !ok {
			return
		}
		e := Event{At: f.At, Section: r.section, SSRC: r.ssrc, Delay: f.Delay, Size: f.Size}
		switch f.Outcome {
		case playout.Rendered:
			e.Kind = FrameRendered
			if r.sync != nil {
				r.buffer.SetExtra(r.sync.played(f.At, r, f.Timestamp, r.buffer.Ideal(f.Timestamp)))
			}
		case playout.Late:
			e.Kind = FrameLate
		case playout.Lost:
			e.Kind = FrameLost
		case playout.Undecodable:
			e.Kind = FrameUndecodable
		}
		if f.Key && r.refresh.asked {
			r.refresh.asked = false
			s.reduced.answered(f.At, s.rtt)
		}
		if f.Key && r.weigher != nil {
			r.weigher.key = f.Size
		}
		if f.Key && r.missing != nil && f.Outcome != playout.Lost {
			r.missing.OnRefreshPoint(f.First)
		}
		if f.Decoded && r.losses != nil {
			r.losses.rendered(f.Picture)
		}
		if f.Decoded && f.Repairs && r.missing != nil {
			r.missing.OnRefreshPoint(f.First)
		}
		s.event(e)
		if f.Frozen > 0 {
			e.Kind, e.Delay, e.Size = PictureFrozen, f.Frozen, 0
			s.event(e)
		}
	}
}

// insert hands the packet with a payload to the buffer.
func (r *source) insert(now simtime.Time, f *Format, ext uint64, h *rtp.Header, m media, b []byte, repaired bool) {
	if m.untraced { // as long after the frame before as the timestamps say
		ticks := int64(int32(h.Timestamp - r.capturedTS))
		m.captured = r.captured.Add(time.Duration(ticks * int64(time.Second) / r.clock))
	} else if m.first {
		r.captured, r.capturedTS = m.captured, h.Timestamp
	}
	if r.sync != nil && !repaired {
		r.sync.stamped(now, r, h)
	}
	if m.picture.Layered {
		r.layers = max(r.layers, int(m.picture.Layer)+1)
	}
	if r.handsOn {
		r.pass(now, ext, h, m, b, repaired)
		return
	}
	if r.audio != nil {
		r.insertAudio(now, f, ext, h, m.captured, b, repaired)
		return
	}
	needed := r.buffer.Insert(now, playout.Packet{
		Seq: ext, Timestamp: h.Timestamp, First: m.first, Last: h.Marker,
		Size: units.Bytes(len(b) - m.head), Captured: m.captured, Picture: m.picture,
	})
	if r.weigher != nil {
		r.missing.Await(r.section.protected(now))
		r.weigher.measure(now, r, len(b)-m.head)
	}
	r.look(now, ext, m, h.Timestamp, needed, repaired)
	if r.weigher != nil {
		r.weigh(now)
	}
	if r.losses != nil {
		patience := lossPatience
		if r.section.protected(now) {
			patience = repairPatience
		}
		r.losses.arrived(now, ext, &m, patience)
		r.settleLosses(now)
	}
	r.drain()
	r.refresh.want(now, r.needsRefresh())
	r.session.wantMessages(now, r.section)
}
