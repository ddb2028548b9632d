package feedback_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// TWCC splits where a delta doesn't fit 16 bits, that is at 8.2 s.
func TestTWCCGapInTime(t *testing.T) {
	var h feedback.History
	l := twcc{feedback.NewTWCCRecorder()}
	list := sendAll(&h, 30, 0)
	arrivals := map[uint64]simtime.Time{}
	for i, p := range list {
		at := ms(100 + 5*float64(i))
		if i >= 15 {
			at = at.Add(20 * time.Second)
		}
		arrivals[p.seq] = at
		l.record(at, p, packet.NotECT)
	}
	outcomes := map[uint64]outcome{}
	messages := l.messages(t, 0)
	for _, b := range messages {
		collect(t, outcomes, l.deliver(t, &h, ms(21000), b))
	}
	if len(messages) != 2 {
		t.Errorf("%d messages, want 2", len(messages))
	}
	for _, p := range list {
		checkResult(t, outcomes[p.seq], p, arrivals[p.seq], 126*time.Microsecond)
	}
}

// TWCC's reference time wraps every twelve days; arrival times don't jump.
func TestTWCCReferenceTimeWraps(t *testing.T) {
	const unit, wrap = 64 * time.Millisecond, (1 << 24) * 64 * time.Millisecond
	edge := simtime.At(wrap - (time.Duration(simtime.Epoch) * time.Second % wrap))
	var h feedback.History
	l := twcc{feedback.NewTWCCRecorder()}
	for i := range 400 {
		at := edge.Add(time.Duration(i-200) * 5 * time.Millisecond)
		p := sent{ssrc: 7, rtp: uint16(i), size: 100, at: at.Add(-20 * time.Millisecond)}
		p.seq = h.Sent(p.at, p.ssrc, p.rtp, p.size, 0, nil)
		l.record(at, p, packet.NotECT)
		if i%10 != 9 {
			continue
		}
		for _, b := range l.messages(t, at) {
			for _, r := range l.deliver(t, &h, at.Add(20*time.Millisecond), b).Packets {
				if d := r.Arrival.Sub(r.Sent) - 20*time.Millisecond; d < -unit/100 || d > unit/100 {
					t.Fatalf("packet %d: arrival %v off", r.Seq, d)
				}
			}
		}
	}
}
