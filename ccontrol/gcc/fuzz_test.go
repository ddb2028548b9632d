package gcc

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// script reads numbers from a fuzzer's bytes.
type script []byte

func (s *script) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// time is mostly near a base, and sometimes anything at all.
func (s *script) time(base simtime.Time) simtime.Time {
	kind := s.byte()
	v := int64(int8(s.byte()))
	switch kind % 8 {
	case 0:
		var all [8]byte
		for i := range all {
			all[i] = s.byte()
		}
		return simtime.Time(binary.LittleEndian.Uint64(all[:]))
	case 1:
		return base
	case 2:
		return base.Add(time.Duration(v) * time.Minute)
	}
	return base.Add(time.Duration(v) * msec)
}

func (s *script) report(now simtime.Time) *ccontrol.Report {
	r := &ccontrol.Report{RTT: time.Duration(int8(s.byte())) * 10 * msec}
	flags := s.byte()
	if flags&1 != 0 {
		r.Reception = []ccontrol.Reception{{
			Expected: int(int8(s.byte())), Lost: int(int8(s.byte())), RTT: time.Duration(s.byte()) * msec,
		}}
	}
	if flags&2 != 0 {
		r.Estimate = units.BitRate(int8(s.byte())) * 10 * units.Kbps
	}
	for range flags >> 2 % 32 {
		p := ccontrol.PacketResult{
			Seq: uint64(s.byte()), Size: units.Bytes(int8(s.byte())) * 100,
			Sent: s.time(now), Arrival: s.time(now), Received: s.byte()%4 != 0, Probe: uint32(s.byte() % 4),
		}
		if s.byte() == 0 {
			p.Seq, p.Size = math.MaxUint64, math.MaxInt64
		}
		r.Packets = append(r.Packets, p)
	}
	return r
}

// FuzzGCC feeds feedback that no receiver would send: the target stays within
// its bounds and everything finite.
func FuzzGCC(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{3, 5, 41, 1, 10, 3, 0, 3, 0, 1, 1, 1, 2, 10, 3, 1, 3, 1, 1, 1, 1})
	f.Add(byte(2), []byte("all packets are lost, and then they arrive after all, in the wrong order"))
	f.Add(byte(3), []byte{0, 0, 0x7c, 1, 1, 0, 255, 255, 255, 255, 255, 255, 255, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128})
	f.Fuzz(func(t *testing.T, variant byte, bytes []byte) {
		c := newTest(t, variants[int(variant)%len(variants)])
		s := script(bytes)
		now := simtime.Time(0)
		for len(s) > 0 {
			now = now.Add(time.Duration(s.byte()) * msec)
			switch kind := s.byte() % 4; kind {
			case 0:
				c.OnSent(now, ccontrol.Sent{Size: units.Bytes(int8(s.byte())) * 50})
			case 1:
				c.OnTimeout(now)
				c.PollProbe(now)
			default:
				c.OnFeedback(now, s.report(now))
			}
			check(t, c)
		}
	})
}

func check(t *testing.T, c *controller) {
	t.Helper()
	got := c.Target()
	if got.Media < testLimits.Min || got.Media > testLimits.Max || got.Pacing < got.Media || got.Pacing > 100*testLimits.Max {
		t.Fatalf("target %v", got)
	}
	for i, v := range c.Signals(nil) {
		if math.IsInf(v, 0) {
			t.Fatalf("%s is %v", signals[i].Name, v)
		}
	}
	for what, v := range map[string]float64{
		"trend": c.delay.trend, "threshold": c.delay.detector.threshold, "delay-based": c.delay.control.rate,
		"acknowledged": c.acked.rate(), "target": c.bandwidth.target, "budget": c.alr.budget, "loss": c.bandwidth.v1.ratio,
	} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("%s is %v", what, v)
		}
	}
	if v2 := c.bandwidth.v2; v2 != nil && (math.IsNaN(v2.estimate) || math.IsNaN(v2.best.inherent) || math.IsNaN(v2.average)) {
		t.Fatalf("loss-based estimate %v, inherent loss %v, average %v", v2.estimate, v2.best.inherent, v2.average)
	}
}
