package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// told is what a reporter last said of a stream, for the difference to what it says
// next.
type told struct {
	by      uint32
	at      simtime.Time
	highest uint32
	lost    int32
}

// compare makes of a block what a controller wants to know (RFC 3550 §6.4.4). Of the
// first one, everything since the stream began is news. It reports false for
// reporters beyond what is kept, and for blocks that are older than the last.
func (st *Stream) compare(now simtime.Time, by uint32, b *rtcp.ReceptionReport) (r ccontrol.Reception, ok bool) {
	var last *told
	for i := range st.told {
		if st.told[i].by == by {
			last = &st.told[i]
			break
		}
	}
	t := told{by: by, at: now, highest: b.LastSequenceNumber, lost: int32(b.TotalLost<<8) >> 8}
	r = ccontrol.Reception{
		Stream: st.ssrc, By: by, FractionLost: b.FractionLost,
		Jitter: ticksToDuration(float64(b.Jitter), int64(st.clock)),
	}
	switch {
	case last != nil:
		r.Since = now.Sub(last.at)
		r.Expected, r.Lost = int(int32(t.highest-last.highest)), int(t.lost-last.lost)
		if r.Expected < 0 {
			return r, false
		}
		*last = t
	case len(st.told) < maxReported:
		r.Expected, r.Lost = int(int32(t.highest-st.firstSeq)+1), int(t.lost)
		st.told = append(st.told, t)
	default:
		return r, false
	}
	return r, true
}

// report hands a controller what an SR or RR says of this end's streams.
func (s *Session) report(now simtime.Time) {
	if s.config.Controller == nil || len(s.reception) == 0 {
		return
	}
	s.news = ccontrol.Report{
		Reception: s.reception, Backlog: s.pacer.Backlog(), InFlight: s.history.InFlight(),
	}
	for i := range s.reception {
		s.news.RTT = max(s.news.RTT, s.reception[i].RTT)
	}
	s.tell(now, s.reception[0].By, &s.news)
}
