package endpoints_test

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// sourceA is RFC 3550's own sample code for a source: A.1 without probation,
// A.3 and A.8.
type sourceA struct {
	started                      bool
	cycles, baseSeq              uint32
	maxSeq                       uint16
	received                     int64
	expectedPrior, receivedPrior int64
	transit                      int64
	jitter                       float64
}

func (s *sourceA) update(seq uint16, ts uint32, at simtime.Time, clock int64) {
	if !s.started {
		s.started, s.baseSeq, s.maxSeq = true, uint32(seq), seq
	}
	if delta := seq - s.maxSeq; delta < 3000 {
		if seq < s.maxSeq {
			s.cycles += 1 << 16
		}
		s.maxSeq = seq
	}
	s.received++ // also of duplicates and of those out of order
	arrival := int64(at) * clock / int64(time.Second)
	transit := int64(int32(uint32(arrival) - ts))
	if s.received > 1 {
		d := transit - s.transit
		if d < 0 {
			d = -d
		}
		s.jitter += (float64(d) - s.jitter) / 16
	}
	s.transit = transit
}

func (s *sourceA) report() rtcp.ReceptionReport {
	highest := s.cycles + uint32(s.maxSeq)
	expected := int64(highest) - int64(s.baseSeq) + 1
	lost := expected - s.received
	expectedInterval, receivedInterval := expected-s.expectedPrior, s.received-s.receivedPrior
	s.expectedPrior, s.receivedPrior = expected, s.received
	lostInterval := expectedInterval - receivedInterval
	fraction := uint8(0)
	if expectedInterval != 0 && lostInterval > 0 {
		fraction = uint8(lostInterval << 8 / expectedInterval)
	}
	return rtcp.ReceptionReport{
		FractionLost: fraction, TotalLost: uint32(lost) & 0xffffff, LastSequenceNumber: highest, Jitter: uint32(s.jitter),
	}
}

const audioClock = 48000

// receiver is an end that only receives, by RTCP's rules of AVP: about one
// report in 5 s.
func receiver(t *testing.T) *call {
	t.Helper()
	conf := endpoints.RTCPConfig{Bandwidth: 16000, Minimum: 5 * time.Second}
	c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}, rtcp: conf, protection: protect.None})
	c.path = func(*tapped) []time.Duration { return nil }
	return c
}

const stranger = 4711

// arrive hands over a packet with number seq of a stream of 50 a second.
func arrive(t *testing.T, c *call, first uint16, n int) {
	t.Helper()
	c.inject(1, audioPacket(t, stranger, first+uint16(n), 960*uint32(n), 97, false))
}

// nextBlock lets the call go on until there's a report of the stream.
func nextBlock(t *testing.T, c *call) rtcp.ReceptionReport {
	t.Helper()
	c.log = nil
	for range 2000 {
		c.run(10 * time.Millisecond)
		for _, b := range c.blocks(1) {
			if b.SSRC == stranger {
				return b.ReceptionReport
			}
		}
	}
	t.Fatal("no report in 20 s")
	return rtcp.ReceptionReport{}
}

// RFC 3550 §6.4.1 and §A.3, computed by hand.
//
// conformance: MON-8-1
func TestReportBlocks(t *testing.T) {
	seq := func(from, to int) (out []int) {
		for n := from; n < to; n++ {
			out = append(out, n)
		}
		return out
	}
	without := func(list []int, drop ...int) (out []int) {
		for _, n := range list {
			keep := true
			for _, d := range drop {
				keep = keep && n != d
			}
			if keep {
				out = append(out, n)
			}
		}
		return out
	}
	const first = 65530 // the numbers wrap after six packets
	for _, c := range []struct {
		name     string
		batches  [2][]int
		fraction [2]uint8
		lost     [2]int32
		highest  [2]uint32
	}{
		{
			"no loss",
			[2][]int{seq(0, 20), seq(20, 40)},
			[2]uint8{0, 0},
			[2]int32{0, 0},
			[2]uint32{65549, 65569},
		},
		{
			"five of twenty, then none",
			[2][]int{without(seq(0, 20), 3, 5, 6, 11, 12), seq(20, 40)},
			[2]uint8{64, 0},
			[2]int32{5, 5},
			[2]uint32{65549, 65569},
		},
		{
			// 1·256/20 = 12.8: the fraction is cut off.
			"one of twenty each",
			[2][]int{without(seq(0, 20), 7), without(seq(20, 40), 33)},
			[2]uint8{12, 12},
			[2]int32{1, 2},
			[2]uint32{65549, 65569},
		},
		{
			"all but the first and the last",
			[2][]int{{0, 255}, {256}},
			[2]uint8{254, 0},
			[2]int32{254, 254},
			[2]uint32{65785, 65786},
		},
		{
			"reordering",
			[2][]int{{0, 2, 1, 3, 6, 5, 4, 7}, {9, 8, 10}},
			[2]uint8{0, 0},
			[2]int32{0, 0},
			[2]uint32{65537, 65540},
		},
		{
			// "The number of packets received includes any which are late or
			// duplicates": the loss may be negative, the fraction isn't.
			"a duplicate",
			[2][]int{{0, 1, 1, 2, 3}, {4, 5}},
			[2]uint8{0, 0},
			[2]int32{-1, -1},
			[2]uint32{65533, 65535},
		},
		{
			"a duplicate makes up for a loss",
			[2][]int{{0, 1, 1, 3}, {4, 6}},
			[2]uint8{0, 85},
			[2]int32{0, 1},
			[2]uint32{65533, 65536},
		},
		{
			// Where the sample code of §A.1 leaves its base, and counts -1.
			"the second before the first",
			[2][]int{{1, 0, 2, 3}, {4, 6}},
			[2]uint8{0, 85},
			[2]int32{0, 1},
			[2]uint32{65533, 65536},
		},
		{
			// Two arrive in an interval after which they counted as lost.
			"late by a report",
			[2][]int{without(seq(0, 16), 14, 13), {14, 13, 16, 17}},
			[2]uint8{32, 0},
			[2]int32{2, 0},
			[2]uint32{65545, 65547},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := receiver(t)
			for i, batch := range c.batches {
				for _, n := range batch {
					arrive(t, call, first, n)
				}
				b := nextBlock(t, call)
				lost := int32(b.TotalLost<<8) >> 8
				if b.FractionLost != c.fraction[i] || lost != c.lost[i] || b.LastSequenceNumber != c.highest[i] {
					t.Errorf("report %d: fraction lost %d, lost %d, highest %d; want %d, %d, %d", i+1,
						b.FractionLost, lost, b.LastSequenceNumber, c.fraction[i], c.lost[i], c.highest[i])
				}
			}
		})
	}
}

// RFC 3550 §A.8, by hand: transits of 0, 10, 0 ms (480 ticks apart).
func TestJitterByHand(t *testing.T) {
	c := receiver(t)
	for n, late := range []time.Duration{0, 10 * time.Millisecond, 0} {
		at := simtime.At(time.Duration(n)*20*time.Millisecond + late)
		c.run(at.Sub(c.now))
		arrive(t, c, 1, n)
	}
	// J = 480/16 = 30, then 30 + (480 - 30)/16 = 58.125.
	if b := nextBlock(t, c); b.Jitter != 58 {
		t.Errorf("jitter %d, want 58", b.Jitter)
	}
}

// Against the RFC's sample code, with loss, duplicates, reordering and jitter.
//
// conformance: MON-8-1
func TestReportsAgainstSampleCode(t *testing.T) {
	for seed := range uint64(20) {
		r := rng.New(seed).Stream("path")
		c := receiver(t)
		var want sourceA
		type arrival struct {
			at simtime.Time
			n  int
		}
		first := uint16(r.Uint32())
		var list []arrival
		for n := range 1500 {
			sent := simtime.At(time.Duration(n) * 20 * time.Millisecond)
			for copies := 1; copies > 0; copies-- {
				if r.Bool(0.1) && n > 0 {
					continue
				}
				late := time.Duration(r.Uniform(0, 30) * float64(time.Millisecond))
				list = append(list, arrival{sent.Add(late), n})
				if r.Bool(0.05) {
					copies++
				}
			}
		}
		reports := 0
		for len(list) > 0 {
			i := 0
			for j := range list {
				if list[j].at < list[i].at {
					i = j
				}
			}
			a := list[i]
			list = append(list[:i], list[i+1:]...)
			if a.n > 0 && !want.started {
				continue // the sample code counts what precedes the first arrival as lost later
			}
			c.log = nil
			c.run(a.at.Sub(c.now))
			for _, b := range c.blocks(1) {
				w := want.report()
				w.SSRC = stranger
				b.LastSenderReport, b.Delay = 0, 0
				if d := math.Abs(float64(b.Jitter) - float64(w.Jitter)); d <= 1 {
					b.Jitter = w.Jitter // rounding of ticks
				}
				if b.ReceptionReport != w {
					t.Fatalf("seed %d, report at %v:\n got %+v\nwant %+v", seed, b.at, b.ReceptionReport, w)
				}
				reports++
			}
			arrive(t, c, first, a.n)
			want.update(first+uint16(a.n), 960*uint32(a.n), a.at, audioClock)
		}
		if reports < 4 {
			t.Fatalf("only %d reports", reports)
		}
	}
}

// RFC 3550 §6.4: a block is about who sent since the last report.
func TestNoBlockAboutSilentSource(t *testing.T) {
	c := receiver(t)
	arrive(t, c, 1, 0)
	nextBlock(t, c)
	c.log = nil
	c.run(20 * time.Second)
	if n := len(c.blocks(1)); n != 0 {
		t.Errorf("%d blocks about one who has fallen silent", n)
	}
	if len(c.rtcps(1)) < 2 {
		t.Error("and no reports at all")
	}
	arrive(t, c, 1, 1)
	nextBlock(t, c)
}

// RFC 3550 §6.4: a report has 31 blocks at most; the packet stays in bounds.
func TestManySources(t *testing.T) {
	c := receiver(t)
	for range 100 {
		for ssrc := range uint32(40) {
			c.inject(1, audioPacket(t, 100+ssrc, 1, 0, 97, false))
		}
		c.run(200 * time.Millisecond)
	}
	n := 0
	for _, p := range c.rtcps(1) {
		checkCompound(t, p.messages)
		if len(p.tap.payload) > 1200 {
			t.Errorf("a packet of %d octets", len(p.tap.payload))
		}
		rr := p.messages[0].(*rtcp.ReceiverReport)
		n = max(n, len(rr.Reports))
	}
	if n == 0 || n > 31 {
		t.Errorf("up to %d blocks", n)
	}
}
