package nada

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// reports makes feedback about 15 packets every 100 ms, one of which is lost now and then.
type reports struct {
	now    simtime.Time
	seq    uint64
	report ccontrol.Report
}

func (f *reports) next() *ccontrol.Report {
	f.report.Packets = f.report.Packets[:0]
	for range 15 {
		f.now = f.now.Add(100 * time.Millisecond / 15)
		f.report.Packets = append(f.report.Packets, ccontrol.PacketResult{
			Seq: f.seq, Size: 1200, Sent: f.now, Received: f.seq%101 != 0,
			Arrival: f.now.Add(50*time.Millisecond + time.Duration(f.seq%7)*time.Millisecond), ECN: packet.NotECT,
		})
		f.seq++
	}
	return &f.report
}

func TestNothingIsAllocated(t *testing.T) {
	c, f := newTest(t, nil), &reports{}
	step := func() { c.OnFeedback(f.now.Add(60*time.Millisecond), f.next()) }
	for range 500 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations per report", n)
	}
}

func BenchmarkFeedback(b *testing.B) {
	c, f := newTest(b, nil), &reports{}
	b.ReportAllocs()
	for b.Loop() {
		r := f.next()
		c.OnFeedback(f.now.Add(60*time.Millisecond), r)
	}
}
