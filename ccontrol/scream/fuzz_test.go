package scream

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var names = []string{"scream", "scream-v2"}

// wantSane demands what must hold whatever the feedback says.
func wantSane(t *testing.T, c ccontrol.Controller, l ccontrol.Limits) {
	t.Helper()
	target := c.Target()
	if target.Media < l.Min || target.Media > l.Max {
		t.Fatalf("media rate %v is outside of %v to %v", target.Media, l.Min, l.Max)
	}
	if target.Pacing <= 0 || target.Pacing > 1<<50 || target.Window < 1500 || target.Window > 1<<40 {
		t.Fatalf("target %+v", target)
	}
	for i, v := range c.(ccontrol.Observable).Signals(nil) {
		if math.IsInf(v, 0) {
			t.Fatalf("signal %d is infinite", i)
		}
	}
}

// script turns bytes into events: sent packets, reports of any content, and timers.
type script struct {
	data []byte
	seq  uint64
	now  simtime.Time
}

func (s *script) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *script) int64() int64 {
	var b [8]byte
	for i := range b {
		b[i] = s.byte()
	}
	return int64(binary.LittleEndian.Uint64(b[:]))
}

func (s *script) play(c ccontrol.Controller) {
	s.now = s.now.Add(time.Duration(s.byte()) * 4 * time.Millisecond)
	for range 1000 {
		due := c.NextTimeout()
		if due > s.now {
			break
		}
		c.OnTimeout(s.now)
	}
	switch kind := s.byte() % 4; kind {
	case 0, 1:
		n := s.byte() % 16
		for range n {
			size := units.Bytes(s.byte()) * 6
			c.OnSent(s.now, ccontrol.Sent{
				Seq: s.seq, Size: size, Backlog: units.Bytes(s.byte()) * 100, InFlight: units.Bytes(s.byte()) * 1000,
			})
			s.seq++
		}
	default:
		c.OnFeedback(s.now, s.report(kind == 3))
	}
}

// report is one that a receiver could send, or else one full of arbitrary numbers.
func (s *script) report(absurd bool) *ccontrol.Report {
	r := &ccontrol.Report{
		InFlight: units.Bytes(s.byte()) * 1000, Backlog: units.Bytes(s.byte()) * 100,
		RTT: time.Duration(s.byte()) * time.Millisecond,
	}
	if absurd {
		r.InFlight, r.Backlog, r.RTT = units.Bytes(s.int64()), units.Bytes(s.int64()), time.Duration(s.int64())
	}
	for range s.byte() % 20 {
		b := s.byte()
		p := ccontrol.PacketResult{
			Seq: s.seq - uint64(b%32), Size: 1000, Sent: s.now.Add(-time.Duration(b) * time.Millisecond),
			Received: b%5 != 0, ECN: packet.ECN(s.byte() % 4),
		}
		p.Arrival = p.Sent.Add(time.Duration(s.byte()) * time.Millisecond)
		if absurd {
			p.Seq, p.Size = uint64(s.int64()), units.Bytes(s.int64())
			p.Sent, p.Arrival = simtime.Time(s.int64()), simtime.Time(s.int64())
		}
		r.Packets = append(r.Packets, p)
	}
	return r
}

func FuzzReports(f *testing.F) {
	f.Add([]byte{10, 0, 5, 200, 1, 1, 200, 0, 2, 50, 2, 0, 0, 0, 3, 1, 1, 40, 2, 2, 60, 5, 3, 70})
	f.Add([]byte{10, 1, 1, 200, 1, 1, 255, 3, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 127, 0, 0, 0, 0, 0, 0, 0, 128, 3, 3, 3})
	f.Add([]byte{255, 0, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 19, 1, 1, 255, 6, 3, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range names {
			c := build(t, name, narrow, map[string]string{"competing-flows": "1"})
			for s := (&script{data: data}); len(s.data) > 0; {
				s.play(c)
				wantSane(t, c, narrow)
			}
		}
	})
}

// Extreme numbers don't lead to infinities, and silence afterwards to no standstill.
func TestAbsurdReports(t *testing.T) {
	extremes := []int64{math.MinInt64, -1, 0, 1, 1 << 40, math.MaxInt64}
	for _, name := range names {
		c := build(t, name, narrow, nil)
		now := simtime.Time(0)
		for i, a := range extremes {
			for _, b := range extremes {
				now = now.Add(100 * time.Millisecond)
				c.OnSent(now, ccontrol.Sent{Seq: uint64(i), Size: units.Bytes(a), Backlog: units.Bytes(b), InFlight: units.Bytes(b)})
				c.OnFeedback(now, &ccontrol.Report{
					Packets: []ccontrol.PacketResult{
						{Seq: uint64(a), Size: units.Bytes(b), Sent: simtime.Time(b), Received: true, Arrival: simtime.Time(a), ECN: packet.CE},
						{Seq: uint64(b), Size: units.Bytes(a), Sent: simtime.Time(a)},
					},
					InFlight: units.Bytes(a), Backlog: units.Bytes(b), RTT: time.Duration(a),
				})
				wantSane(t, c, narrow)
			}
		}
	}
}

// Reports about nothing, as SR and RR are here, are no feedback.
func TestEmptyReports(t *testing.T) {
	for _, name := range names {
		c := build(t, name, narrow, nil)
		c.OnSent(0, ccontrol.Sent{Size: 1000, InFlight: 1000})
		before, due := c.Target(), c.NextTimeout()
		c.OnFeedback(at(50*msec), &ccontrol.Report{Reception: []ccontrol.Reception{{Lost: 5}}, InFlight: 1000})
		if c.Target() != before || c.NextTimeout() != due {
			t.Errorf("%s: a reception report changed something", name)
		}
	}
}
