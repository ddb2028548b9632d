package endpoints

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Marking says whether an end uses code points.
type Marking uint8

// The ways. TestMarking uses them until packets of a stream vanish: then that
// stream goes without (RFC 8835 §4.2).
const (
	TestMarking Marking = iota
	AlwaysMark
	NeverMark
)

// A stream's marking fails if testPackets and testTime after its first packet the
// peer reports, and has nothing to report of the stream; or if it has been silent
// for silentTime, as reports may go with a marking too.
const (
	testPackets = 10
	testTime    = 3 * time.Second
	silentTime  = 2 * testTime
)

// testMarking is called for every packet before it leaves, and for every report
// that has come; heard says which.
func (c *Connection) testMarking(now simtime.Time, s *Section, heard bool) {
	if s.dscp == 0 || s.reached || c.config.Marking != TestMarking {
		return
	}
	if !heard {
		if s.marked++; s.marked == 1 {
			s.firstMarked = now
		}
	}
	passed := now.Sub(s.firstMarked)
	silent := c.lastReport < s.firstMarked && passed > silentTime
	if s.marked > testPackets && (heard && passed > testTime || silent) {
		s.dscp = 0
		c.event(Event{Kind: MarkingDropped, At: now, Section: s})
	}
}

// noteArrivals learns from feedback which streams get through.
func (c *Connection) noteArrivals(r *ccontrol.Report) {
	if c.config.Marking != TestMarking {
		return
	}
	waiting := false
	for _, s := range c.sections {
		waiting = waiting || s.marked > 0 && !s.reached
	}
	if !waiting {
		return
	}
	for i := range r.Packets {
		if ssrc, ok := c.history.StreamOf(r.Packets[i].Seq); ok && r.Packets[i].Received {
			if s := c.ours(ssrc); s != nil {
				s.reached = true
			}
		}
	}
}

// rtcpDSCP returns the marking of an RTCP packet. With a sender report it goes
// like that sender's stream, so that the round-trip time it measures is that of
// the media; with receiver reports alone, like most of the streams that come in,
// as they come in (RFC 8834 §12.1.3). Of several senders the most valued marking
// wins.
func (c *Connection) rtcpDSCP(w *compound) uint8 {
	if d := c.config.RTCP.DSCP; d != nil {
		return *d
	}
	var best uint8
	found := false
	for _, s := range w.reporters {
		if s.Sends() && (!found || rank(s.dscp) > rank(best)) {
			best, found = s.dscp, true
		}
	}
	if found {
		return best
	}
	return c.usualDSCP()
}

// usualDSCP returns the marking of most streams that come in, the first one's
// among equals.
func (c *Connection) usualDSCP() uint8 {
	var usual uint8
	most := 0
	for _, src := range c.sources {
		n := 0
		for _, other := range c.sources {
			if other.dscp == src.dscp {
				n++
			}
		}
		if n > most {
			usual, most = src.dscp, n
		}
	}
	return usual
}

// rank orders code points: EF before AF4x, AF3x and so on, then the default
// and lower effort (RFC 8837 §5).
func rank(dscp uint8) int {
	const ef, le = 46, 1
	switch dscp {
	case ef:
		return 64
	case le:
		return -1
	}
	return int(dscp &^ 7) // the class; of AF, drop precedence doesn't count
}
