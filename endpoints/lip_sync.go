package endpoints

import (
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/simtime"
)

// lipSync plays the streams of a connection together that have the same CNAME, in
// whichever of its sessions they are (RFC 8834 §4.9, §12.2.3).
type lipSync struct {
	*lipsync.Sync
	names uint32 // given so far
}

// join makes a source known. SSRCs of different sessions may be the same, so that it
// gets a name of its own.
func (l *lipSync) join(now simtime.Time, r *source) {
	l.names++
	r.sync, r.syncName = l, l.names
	l.Add(now, r.syncName, int(r.clock))
	if cname := r.session.table.CNAME(r.ssrc); cname != "" {
		l.OnCNAME(now, r.syncName, cname)
	}
}

// stamped takes the time in a packet's header extension (RFC 6051 §3.3), which is
// there before the first sender report.
func (l *lipSync) stamped(now simtime.Time, r *source, h *rtp.Header) {
	elements := &r.session.scratch.elements
	if t, ok := headerext.ReadNTP64(elements.Data(headerext.NTP64)); ok {
		l.OnStamp(now, r.syncName, t, h.Timestamp)
	} else if t, ok := headerext.ReadNTP56(elements.Data(headerext.NTP56)); ok {
		// Without a report, the own clock tells the upper bits as well as any.
		near := simtime.ToNTP(r.session.endpoint.wallClock(now))
		l.OnStamp(now, r.syncName, headerext.ExtendNTP56(t, near), h.Timestamp)
	}
}

// played tells that a timestamp is played, and when it would have been without what
// other streams need. It returns by how much the source is to be delayed for them.
func (l *lipSync) played(now simtime.Time, r *source, ts uint32, ideal simtime.Time) time.Duration {
	l.OnPlayout(now, r.syncName, ts, ideal)
	return l.Delay(now, r.syncName)
}
