package scream

import (
	"encoding/binary"
	"hash/fnv"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// steady sends and reports on 16 packets in 20 ms again and again: 6.4 Mbit/s.
type steady struct {
	c       ccontrol.Controller
	now     simtime.Time
	seq     uint64
	report  ccontrol.Report
	signals []float64
}

func newSteady(t testing.TB, name string) *steady {
	return &steady{
		c: build(t, name, wide, nil), report: ccontrol.Report{Packets: make([]ccontrol.PacketResult, 16)},
		signals: make([]float64, 0, 32),
	}
}

func (s *steady) round() {
	s.now = s.now.Add(20 * time.Millisecond)
	for i := range s.report.Packets {
		s.c.OnSent(s.now, ccontrol.Sent{Seq: s.seq, Size: 1000, Backlog: 3000, InFlight: 40_000})
		sent := s.now.Add(-50 * time.Millisecond)
		s.report.Packets[i] = ccontrol.PacketResult{
			Seq: s.seq, Size: 1000, Sent: sent, Received: s.seq%97 != 0, ECN: packet.ECT1,
			Arrival: sent.Add(30*time.Millisecond + time.Duration(s.seq%1009)*10*time.Microsecond),
		}
		s.seq++
	}
	s.report.InFlight, s.report.Backlog = 30_000, 3000
	s.feedback()
}

func (s *steady) feedback() {
	s.c.OnFeedback(s.now, &s.report)
	if s.c.NextTimeout() <= s.now {
		s.c.OnTimeout(s.now)
	}
	s.c.Target()
	s.signals = s.c.(ccontrol.Observable).Signals(s.signals[:0])
}

func TestNoAllocations(t *testing.T) {
	for _, name := range names {
		s := newSteady(t, name)
		for range 100 {
			s.round()
		}
		if n := testing.AllocsPerRun(1000, s.round); n != 0 {
			t.Errorf("%s: %v allocations per report", name, n)
		}
	}
}

// A report about 16 packets, with their sending.
func BenchmarkReport(b *testing.B) {
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			s := newSteady(b, name)
			b.ReportAllocs()
			for b.Loop() {
				s.round()
			}
		})
	}
}

// The inner values have the same bits on every machine, so that runs have the same digest (ADR 2). A
// change of the algorithm changes them, too.
func TestPinnedBits(t *testing.T) {
	for name, want := range map[string]uint64{"scream": 0x8a2293b843806b31, "scream-v2": 0x3b7856ff11d083d6} {
		s := newSteady(t, name)
		digest := fnv.New64a()
		for range 5000 {
			s.round()
			for _, v := range s.signals {
				_ = binary.Write(digest, binary.LittleEndian, v)
			}
		}
		if got := digest.Sum64(); got != want {
			t.Errorf("%s: digest %#x, want %#x", name, got, want)
		}
	}
}
