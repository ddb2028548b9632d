package endpoints

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// atOnce is the part of what the sender was last told below which it is told at once
// (libwebrtc's remb_throttler.cc).
const atOnce = 0.97

// rembSize is that of a REMB message without SSRCs.
const rembSize = 20

// estimate is the receiver's half of a controller at work in a session, and what the
// sender was told of it.
type estimate struct {
	ccontrol.Estimator
	due     feedbackDue
	fresh   bool // packets have come since the last message
	told    units.BitRate
	message rtcp.ReceiverEstimatedMaximumBitrate
	ssrcs   []uint32
}

// newEstimate returns the estimator of a session, and when its messages are due: as
// feedback if the peer wants them, otherwise besides it.
func newEstimate(sc *SessionConfig) estimate {
	if sc.Feedback == FeedbackREMB {
		return estimate{Estimator: sc.Estimator, due: newFeedbackDue(sc.FeedbackPace, sc.FeedbackInterval)}
	}
	return estimate{Estimator: sc.Estimator, due: newFeedbackDue(PaceTime, sc.EstimateInterval)}
}

// arrived hands a packet to the estimator; false if there is nothing to tell yet.
func (e *estimate) arrived(now, clock simtime.Time, p *packet.Packet, h *rtp.Header, elements *headerext.Elements) bool {
	a := ccontrol.Arrival{At: clock, SSRC: h.SSRC, Size: p.Size}
	a.SendTime, a.Stamped = headerext.ReadAbsSendTime(elements.Data(headerext.AbsSendTime))
	e.OnArrival(now, a)
	e.fresh = true
	return e.pending()
}

// pending reports whether there is something to tell. Nobody repeats an estimate that
// nothing has confirmed.
func (e *estimate) pending() bool { return e.Estimator != nil && e.fresh && e.Estimate() > 0 }

// wanted reports whether a message is due.
func (e *estimate) wanted() bool { return e.due.wanted && e.pending() }

// fallen reports whether the sender must know at once.
func (e *estimate) fallen() bool { return float64(e.Estimate()) < atOnce*float64(e.told) }

// build makes the message of at most so many octets; nil if it doesn't fit.
func (e *estimate) build(from uint32, room int) rtcp.Packet {
	e.ssrcs = e.Streams(e.ssrcs[:0])
	n := min(len(e.ssrcs), (room-rembSize)/4)
	if n <= 0 {
		return nil
	}
	e.message, e.told = wire.NewREMB(from, e.Estimate(), e.ssrcs[:n])
	e.fresh = false
	return &e.message
}

// recordForEstimate hands a packet to the receiver's half of the controller. A lower
// estimate doesn't wait for its turn.
func (s *Session) recordForEstimate(now simtime.Time, p *packet.Packet, h *rtp.Header) {
	e := &s.estimate
	if e.Estimator == nil || !e.arrived(now, s.endpoint.wallClock(now), p, h, &s.scratch.elements) {
		return
	}
	if e.fallen() {
		e.due.hasten(now)
		return
	}
	e.due.arrived(now, h.Marker, s.rttTo(h.SSRC))
}

// handleREMB takes a receiver's estimate of the path of this end's streams. One of 0
// names no rate. A controller that has asked for it gets it; for another one's streams it
// is a limit, which holds until the next one.
func (s *Session) handleREMB(now simtime.Time, m *rtcp.ReceiverEstimatedMaximumBitrate, b []byte) {
	about := false
	for _, ssrc := range m.SSRCs {
		about = about || s.ours(ssrc) != nil
	}
	rate, err := wire.REMBRate(b)
	if !about || err != nil || rate == 0 {
		return
	}
	if s.config.hears() != FeedbackREMB {
		s.estimated = float64(rate)
		s.requestRates(now, nil)
		return
	}
	s.news = ccontrol.Report{Estimate: rate, InFlight: s.history.InFlight()}
	s.handleFeedback(now, m.SenderSSRC, &s.news)
}

// hears is the kind of feedback that this end gets.
func (c *SessionConfig) hears() Feedback {
	if c.FeedbackHeard == "" {
		return c.Feedback
	}
	return c.FeedbackHeard
}
