package xr_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/rng"
)

// byDefinition finds bursts as §4.7.2 defines them: a run of packets from a bad
// one to a bad one without gmin good ones in a row, as long as can be; a bad
// packet by itself belongs to a gap.
func byDefinition(fates []xr.Fate, gmin int) (want xr.BurstMetrics) {
	var lost, discarded, burstBad, burstPackets, bursts, gaps, gapStart int
	for i := 0; i < len(fates); i++ {
		if fates[i] == xr.Played {
			continue
		}
		last, bad := i, 1
		for j, good := i+1, 0; j < len(fates) && good < gmin; j++ {
			if fates[j] == xr.Played {
				good++
				continue
			}
			good, last = 0, j
			bad++
		}
		if bad > 1 {
			bursts++
			burstBad += bad
			burstPackets += last - i + 1
			if i > gapStart {
				gaps++
			}
			gapStart = last + 1
		}
		i = last
	}
	if gapStart < len(fates) {
		gaps++
	}
	for _, f := range fates {
		switch f {
		case xr.Lost:
			lost++
		case xr.Discarded:
			discarded++
		case xr.Played:
		}
	}
	part := func(n, of int) uint8 {
		if of == 0 {
			return 0
		}
		return uint8(min(n*256/of, 255))
	}
	want = xr.BurstMetrics{
		LossRate: part(lost, len(fates)), DiscardRate: part(discarded, len(fates)),
		BurstDensity: part(burstBad, burstPackets), GapDensity: part(lost+discarded-burstBad, len(fates)-burstPackets),
		Gmin: uint8(gmin),
	}
	if bursts > 0 {
		want.BurstDuration = uint16(burstPackets * 20 / bursts)
	}
	if gaps > 0 {
		want.GapDuration = uint16((len(fates) - burstPackets) * 20 / gaps)
	}
	return want
}

// Random sequences, asked after every packet, against the definition.
func TestBurstsByDefinition(t *testing.T) {
	r := rng.New(6).Stream("fates")
	for _, gmin := range []int{1, 2, 5, 16} {
		for range 60 {
			b := xr.NewBursts(uint8(gmin), 20*time.Millisecond)
			bad := r.Uniform(0, 0.5)
			var fates []xr.Fate
			for range 120 {
				f := xr.Played
				if r.Bool(bad) {
					f = xr.Lost + xr.Fate(r.Uint32()%2)
				}
				fates = append(fates, f)
				b.Add(f)
				if got, want := b.Metrics(), byDefinition(fates, gmin); got != want {
					t.Fatalf("gmin %d: %v\n%+v, want\n%+v", gmin, fates, got, want)
				}
			}
		}
	}
}

// §4.7.1, §4.7.2: zero where nothing was received, no burst, or no gap.
func TestBurstsOfNothing(t *testing.T) {
	for _, meter := range []interface {
		Add(xr.Fate)
		Metrics() xr.BurstMetrics
	}{xr.NewBursts(16, time.Second), xr.NewMarkov(16, time.Second)} {
		if got := meter.Metrics(); got != (xr.BurstMetrics{Gmin: 16}) {
			t.Errorf("%+v", got)
		}
	}
	b := xr.NewBursts(16, 20*time.Millisecond)
	for range 100 {
		b.Add(xr.Played)
	}
	if got := b.Metrics(); got != (xr.BurstMetrics{GapDuration: 2000, Gmin: 16}) {
		t.Errorf("%+v", got)
	}
	b = xr.NewBursts(0, time.Second) // MUST NOT be zero (§4.7.6)
	for range 100 {
		b.Add(xr.Lost)
	}
	if got := b.Metrics(); got != (xr.BurstMetrics{LossRate: 255, BurstDensity: 255, BurstDuration: 65535, Gmin: 1}) {
		t.Errorf("%+v", got)
	}
}

// §A.2, step by step: three isolated losses, then a burst of three in four.
func TestMarkov(t *testing.T) {
	m := xr.NewMarkov(4, 10*time.Millisecond)
	add := func(fates string) {
		for _, c := range strings.ReplaceAll(fates, " ", "") {
			m.Add(map[rune]xr.Fate{'1': xr.Played, '0': xr.Lost, 'X': xr.Discarded}[c])
		}
	}
	add("11111 0 1111 0 111111 X 11111 00101111")
	// pkt 5: c13 = 1, c11 = 5; pkt 4: c14 = 1, c11 = 9; pkt 6: c14 = 2, c11 = 15;
	// pkt 5: c14 = 3, c11 = 20; pkt 0: c33 = 1; pkt 1: c23 = 1.
	// c31 = 1, c32 = 1: 28 in all; p32 = 1/3, p23 = 1.
	want := xr.BurstMetrics{
		LossRate: 45, DiscardRate: 9, BurstDensity: 192, GapDensity: 33,
		BurstDuration: 40, GapDuration: 240, Gmin: 4,
	}
	if got := m.Metrics(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	add("0") // pkt 4: lost is 3, so this ends the burst: c13 = 2, c11 = 24
	if got := m.Metrics(); got.GapDuration != 145 || got.GapDensity != 28 {
		t.Errorf("%+v", got)
	}
}
