package wifi

import (
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// blockAckWindow is how many consecutive sequence numbers a block ack covers
// (IEEE 802.11-2016 §9.3.1.9).
const blockAckWindow = 64

// flow is one link: how its frames are sent, and a stream for each access
// category that it uses.
type flow struct {
	link     *fabric.Link
	channel  *Channel
	category AccessCategory
	mode     Mode
	per      float64
	streams  [categories]*stream

	ack, blockAck time.Duration
	rtsCTS        time.Duration // RTS, CTS and the gaps after them
	rts           time.Duration

	airtime time.Duration // so far
}

func newFlow(ch *Channel, l *fabric.Link, s StationConfig) *flow {
	mode, err := s.mode(ch.config)
	if err != nil {
		panic("wifi: " + err.Error()) // SetStation and Validate have looked
	}
	control := ch.config.controlMode(mode)
	f := &flow{link: l, channel: ch, category: s.Category, mode: mode, per: s.PER}
	f.ack = control.Duration(ackBytes)
	f.blockAck = control.Duration(blockAckBytes)
	f.rts = control.Duration(rtsBytes)
	gap := ch.config.SIFS + ch.config.Propagation
	f.rtsCTS = f.rts + gap + control.Duration(ctsBytes) + gap
	return f
}

// serve adds a stream that competes through the given contender.
func (f *flow) serve(c *contender) {
	s := &stream{flow: f, contender: c}
	s.window = make([]mpdu, 0, blockAckWindow+1)
	if f.channel.config.WMM {
		s.classes, _ = f.link.Queue.(classified)
	}
	f.streams[c.category] = s
	c.streams = append(c.streams, s)
}

// stream is the packets of one link in one access category.
type stream struct {
	flow      *flow
	contender *contender
	classes   classified // nil if the link's queue isn't divided by category
	// window holds what was taken from the queue and isn't done with, in order
	// of sequence number.
	window []mpdu
	sent   units.Bytes   // the frame on the air, or about to be
	data   time.Duration // its length in time
	frames int           // MPDUs in it
}

// mpdu is a packet on its way over the air.
type mpdu struct {
	p     *packet.Packet
	tries int
	onAir bool // part of the frame being sent
	acked bool // waits at the receiver for those before it
	// share of the frame's time, of one that has arrived: packets that share a
	// frame share its time.
	share time.Duration
}

// backlogged says whether there is anything to send.
func (s *stream) backlogged() bool {
	if len(s.window) > 0 {
		return true
	}
	if s.classes != nil {
		return s.classes.lenOf(s.contender.category) > 0
	}
	return s.flow.link.Queue.Len() > 0
}

// fill makes sure that the window has a packet and reports whether it has.
func (s *stream) fill(now simtime.Time) bool {
	return len(s.window) > 0 || s.take(now)
}

func (s *stream) take(now simtime.Time) bool {
	if s.classes != nil {
		s.classes.choose(s.contender.category)
	}
	p := s.flow.link.Take(now)
	if p == nil {
		return false
	}
	s.window = append(s.window, mpdu{p: p})
	return true
}

// frame returns the length of a packet's MPDU.
func (s *stream) frame(p *packet.Packet) units.Bytes {
	c := &s.flow.channel.config
	return p.Size + c.LLCHeader + c.MACHeader
}

// assemble puts together the next frame, an MPDU or an A-MPDU, whose whole
// exchange takes no longer than within if that is positive. Unless forced it
// reports false if not even one MPDU fits; nothing is on the air then.
func (s *stream) assemble(now simtime.Time, within time.Duration, force bool) bool {
	c := &s.flow.channel.config
	s.frames, s.sent = 0, 0
	for i := 0; i < blockAckWindow; i++ {
		if i == len(s.window) && !s.take(now) {
			break
		}
		m := &s.window[i]
		if m.acked {
			continue
		}
		total := s.with(s.frame(m.p))
		data := s.flow.mode.Duration(total)
		fits := within <= 0 || s.length(total, s.frames+1, data) <= within
		if s.frames == 0 {
			if !fits && !force {
				return false
			}
		} else if !fits || total > c.Aggregation.MaxBytes || c.Aggregation.MaxDuration > 0 && data > c.Aggregation.MaxDuration {
			break
		}
		m.onAir = true
		s.frames++
		s.sent, s.data = total, data
		if s.frames >= c.Aggregation.MaxFrames {
			break
		}
	}
	return true
}

// with returns the length of the frame being assembled with one more MPDU: the
// second one makes an A-MPDU of it.
func (s *stream) with(mpdu units.Bytes) units.Bytes {
	switch s.frames {
	case 0:
		return mpdu
	case 1:
		return subframe(s.sent) + subframe(mpdu)
	}
	return s.sent + subframe(mpdu)
}

// subframe is the length of an MPDU in an A-MPDU: a delimiter before it and
// padding to a multiple of four (IEEE 802.11-2016 §9.7.1).
func subframe(mpdu units.Bytes) units.Bytes { return 4 + (mpdu+3)/4*4 }

func (s *stream) usesRTS(frame units.Bytes) bool {
	t := s.flow.channel.config.RTSThreshold
	return t > 0 && frame > t
}

// length returns how long the exchange of a frame takes up to the end of its
// acknowledgement.
func (s *stream) length(frame units.Bytes, mpdus int, data time.Duration) time.Duration {
	d := data + s.response(mpdus)
	if s.usesRTS(frame) {
		d += s.flow.rtsCTS
	}
	return d
}

// response is the time from the end of the data to that of the acknowledgement.
func (s *stream) response(mpdus int) time.Duration {
	c := &s.flow.channel.config
	d := s.flow.ack
	if mpdus > 1 {
		d = s.flow.blockAck
	}
	return 2*c.Propagation + c.SIFS + d
}

// deliver hands on what the receiver has in order.
func (s *stream) deliver(now simtime.Time) {
	n := 0
	st := &s.contender.station.stats
	for ; n < len(s.window) && s.window[n].acked; n++ {
		p := s.window[n].p
		st.Delivered++
		st.Bytes += p.Size
		s.flow.link.Transmit(now, p, s.window[n].share)
	}
	s.drop(n)
}

// drop removes the first n of the window.
func (s *stream) drop(n int) {
	if n == 0 {
		return
	}
	kept := copy(s.window, s.window[n:])
	clear(s.window[kept:])
	s.window = s.window[:kept]
}

// lose notes that what is still on the air didn't arrive, and gives up what has
// been tried too often. It reports whether anything was given up.
func (s *stream) lose(now simtime.Time) bool {
	limit := s.flow.channel.config.RetryLimit
	st := &s.contender.station.stats
	kept := 0
	for _, m := range s.window {
		if m.onAir {
			m.onAir = false
			m.tries++
			if limit >= 0 && m.tries > limit {
				st.Abandoned++
				s.flow.link.Abandon(now, m.p)
				continue
			}
		}
		s.window[kept] = m
		kept++
	}
	gaveUp := kept < len(s.window)
	clear(s.window[kept:])
	s.window = s.window[:kept]
	return gaveUp
}
