package wifi

import (
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The frame of 1500 bytes with 36 of headers at MCS11: 40 µs and 60 symbols.
const (
	n1500    = (40 + 60*4) * time.Microsecond
	nAckTime = 28 * time.Microsecond
	nDIFS    = 34 * time.Microsecond
	nSlot    = 9 * time.Microsecond
)

// A packet that finds the channel idle for long goes at the next slot boundary,
// and arrives at the end of its frame, not of the acknowledgement.
func TestIdleChannel(t *testing.T) {
	n := newNet(t, Defaults(N))
	e := n.station(nil)
	e.peer.keep = true
	e.each(time.Second, 0, 1500, 1)
	n.run(2 * time.Second)
	sent := simtime.At(time.Second)
	if len(e.peer.at) != 1 {
		t.Fatalf("%d packets arrived", len(e.peer.at))
	}
	if d := e.peer.at[0].Sub(sent); d < n1500 || d >= n1500+nSlot {
		t.Errorf("took %v, want %v and less than a slot", d, n1500)
	}
	if s := n.ch.Stats(); s.Busy != n1500+16*time.Microsecond+nAckTime+2*time.Microsecond || s.Collisions != 0 {
		t.Errorf("channel: %+v", s)
	}
}

// A single saturated station: frames are an exchange, DIFS and a whole number of
// slots from 0 to CWmin apart, and the mean of the latter is CWmin/2.
func TestBackoffIsUniform(t *testing.T) {
	n := newNet(t, Defaults(N))
	e := n.station(nil)
	e.peer.keep = true
	e.saturate(1500, 10)
	n.run(20 * time.Second)
	exchange := n1500 + 16*time.Microsecond + nAckTime + 2*time.Microsecond
	counts := make([]float64, 16)
	for i := 1; i < len(e.peer.at); i++ {
		gap := e.peer.at[i].Sub(e.peer.at[i-1]) - exchange - nDIFS
		if gap < 0 || gap%nSlot != 0 || gap/nSlot > 15 {
			t.Fatalf("backoff of %v", gap)
		}
		counts[gap/nSlot]++
	}
	// Chi-square with 15 degrees of freedom: 37.7 is the 99.9 % point.
	mean, chi := float64(len(e.peer.at)-1)/16, 0.0
	for _, c := range counts {
		chi += (c - mean) * (c - mean) / mean
	}
	if mean < 2000 || chi > 37.7 {
		t.Errorf("chi-square %.1f over %.0f per value: %v", chi, mean, counts)
	}
}

// Packets that come while the channel is busy draw a backoff: two of them collide
// with a probability of 1/16, not always, and again with 1/32 and so on. 2,000
// times, of which 129 are expected: a standard error of 9 %.
func TestBusyChannelMeansBackoff(t *testing.T) {
	n := newNet(t, Defaults(N))
	a, b, c := n.station(nil), n.station(nil), n.station(nil)
	const gap = 10 * time.Millisecond
	a.each(0, gap, 1500, 2000)
	b.each(100*time.Microsecond, gap, 1500, 2000)
	c.each(200*time.Microsecond, gap, 1500, 2000)
	n.run(21 * time.Second)
	want(t, "collisions", float64(n.ch.Stats().Collisions), 2000/16.0*(1+1/32.0), 0.35)
}

// Below saturation what is offered arrives.
func TestUnsaturatedCarriesTheLoad(t *testing.T) {
	n := newNet(t, Defaults(N))
	for i := range 10 {
		// 10 stations of 1.2 Mbit/s each way.
		n.station(nil).each(time.Duration(i)*time.Millisecond, 10*time.Millisecond, 1500, 990)
		n.apAt[i].each(time.Duration(i)*777*time.Microsecond, 10*time.Millisecond, 1500, 990)
	}
	n.run(11 * time.Second)
	for i := range 10 {
		if n.ends[i].count != 990 || n.apAt[i].count != 990 {
			t.Errorf("station %d: %d down and %d up, want 990", i, n.ends[i].count, n.apAt[i].count)
		}
	}
}

// Heusse et al. (INFOCOM 2003): every station wins equally often, so that a slow
// one takes the fast ones' throughput down to its own; it has almost all the
// airtime.
func TestSlowStationDragsOthersDown(t *testing.T) {
	throughput := func(slow bool) (first, last float64, n *net) {
		c := Defaults(B)
		n = newNet(t, c)
		for i := range 3 {
			var s *StationConfig
			if i == 2 && slow {
				s = &StationConfig{Mode: "1Mbps"}
			}
			n.station(s).saturate(1500, 20)
		}
		n.run(60 * time.Second)
		mbps := func(i int) float64 { return float64(n.stats(i).Bytes) * 8 / 60e6 }
		return mbps(0), mbps(2), n
	}
	fast, _, _ := throughput(false)
	dragged, slow, n := throughput(true)
	t.Logf("a fast station has %.2f Mbit/s among its likes, %.2f beside one of 1 Mbit/s, which has %.2f", fast, dragged, slow)
	want(t, "a fast station beside a slow one", dragged, slow, 0.06)
	if dragged > fast/3 {
		t.Errorf("%.2f Mbit/s beside a slow station, %.2f without", dragged, fast)
	}
	if a, b := n.stats(0).Airtime, n.stats(2).Airtime; b < 6*a {
		t.Errorf("airtime %v of the fast, %v of the slow station", a, b)
	}
}

// With frame errors of probability p a packet is given up with probability
// p^(R+1). 40,000 packets, of which 2,500 are: the standard error is 2 %.
func TestRetryLimit(t *testing.T) {
	const p, packets = 0.5, 40000
	c := Defaults(G)
	c.RetryLimit = 3
	n := newNet(t, c)
	e := n.station(&StationConfig{PER: p})
	e.each(0, 2500*time.Microsecond, 1500, packets)
	n.run(101 * time.Second)
	s := n.stats(0)
	lost := math.Pow(p, 4)
	want(t, "given up", float64(s.Abandoned), lost*packets, 0.06)
	want(t, "attempts", float64(s.Attempts), packets*(1-lost)/(1-p), 0.02)
	if n.up[0].Stats().Abandoned != s.Abandoned || s.Delivered+s.Abandoned != packets {
		t.Errorf("%+v, the link has %+v", s, n.up[0].Stats())
	}
	if s.Retries != s.Attempts-packets {
		t.Errorf("%d retries of %d attempts", s.Retries, s.Attempts)
	}
}

// The links of one node share its backoff and have equal turns: an access point
// with ten saturated clients behaves as one station.
func TestAccessPointServesLinksInTurn(t *testing.T) {
	n := newNet(t, Defaults(N))
	for i := range 10 {
		e := n.station(nil)
		if i < 9 {
			e.peer.saturate(1500, 5)
		} else {
			e.peer.saturate(700, 5)
		}
	}
	n.ends[0].saturate(1500, 40) // one station uplink competes with all of them
	n.run(10 * time.Second)
	ap, _ := n.ch.StationStats("ap")
	want(t, "the AP's frames against a station's", float64(ap.Delivered), float64(n.stats(0).Delivered), 0.03)
	var sum time.Duration
	for i := range 10 {
		if d := n.ends[i].count - n.ends[0].count; d < -1 || d > 1 {
			t.Errorf("client %d got %d packets, client 0 %d", i, n.ends[i].count, n.ends[0].count)
		}
		d, _ := n.ch.LinkAirtime(n.down[i].Name)
		sum += d
	}
	first, _ := n.ch.LinkAirtime(n.down[0].Name)
	short, _ := n.ch.LinkAirtime(n.down[9].Name)
	if sum != ap.Airtime || short >= first {
		t.Errorf("airtime %v of %v, of the short packets %v, of others %v", sum, ap.Airtime, short, first)
	}
}

// One station sends at every boundary, the other one has a packet for which it
// draws 0 or 1. Where the busy slot counts, a counter of 1 is used up by the other
// station's frame, and each boundary but one brings a collision for ever. Where
// it doesn't count, the first counter of 1 stays for ever.
func TestStrictFreeze(t *testing.T) {
	for _, strict := range []bool{false, true} {
		c := Defaults(N)
		c.WMM, c.StrictFreeze, c.RetryLimit = true, strict, Endless
		c.Categories[Voice] = CategoryParams{AIFSN: 2}
		c.Categories[Video] = CategoryParams{AIFSN: 2, CWMin: 1, CWMax: 1}
		n := newNet(t, c)
		a, b := n.station(nil), n.station(nil)
		a.dscp, b.dscp = 46, 34
		a.saturate(1500, 10)
		b.each(time.Millisecond, time.Hour, 1500, 1)
		n.run(time.Second)
		got := n.stats(1).Attempts
		if !strict && got < 100 {
			t.Errorf("busy slots don't count: %d attempts", got)
		}
		if strict && got > 20 {
			t.Errorf("busy slots count: %d attempts", got)
		}
	}
}

// EIFS lengthens what follows a collision, and nothing else.
func TestEIFS(t *testing.T) {
	var bits [2]float64
	for i, eifs := range []bool{false, true} {
		c := Defaults(N)
		c.EIFS, c.RetryLimit = eifs, Endless
		n := newNet(t, c)
		for range 10 {
			n.station(nil).saturate(1500, 20)
		}
		n.run(10 * time.Second)
		for j := range 10 {
			bits[i] += float64(n.stats(j).Bytes) * 8
		}
	}
	// Collided exchanges become longer by SIFS and 44 µs of an ACK at 6 Mbit/s.
	m := bianchi{10, 16, 6, Endless}
	ts := n1500 + 16*time.Microsecond + nAckTime + nDIFS + 2*time.Microsecond
	tc := n1500 + nDIFS + time.Microsecond
	without := m.throughput(12000, nSlot, ts, tc)
	with := m.throughput(12000, nSlot, ts, tc+60*time.Microsecond)
	want(t, "ratio", bits[1]/bits[0], with/without, 0.01)
}

func TestDeterminism(t *testing.T) {
	digest := func() string {
		c := Defaults(N)
		c.WMM, c.Aggregation.MaxFrames = true, 16
		n := newNet(t, c)
		for i := range 8 {
			e := n.station(&StationConfig{PER: 0.1})
			e.dscp = []uint8{0, 46, 34, 8}[i%4]
			e.saturate(units.Bytes(300+100*i), 30)
			e.peer.saturate(900, 10)
		}
		n.run(time.Second)
		return n.f.Digest()
	}
	if a, b := digest(), digest(); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

func TestModesByName(t *testing.T) {
	c := Defaults(N)
	m, err := c.Station.mode(c)
	if err != nil || m.Rate != 52*units.Mbps || m.Streams != 2 {
		t.Errorf("MCS11 is %+v, %v", m, err)
	}
	c.ShortGI = true
	if m, _ = c.Station.mode(c); m.Rate != 57777777 {
		t.Errorf("with a short guard interval %v", m.Rate)
	}
	var names []string
	for _, m := range A.Modes(false, false) {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, []string{"6Mbps", "9Mbps", "12Mbps", "18Mbps", "24Mbps", "36Mbps", "48Mbps", "54Mbps"}) {
		t.Errorf("802.11a: %v", names)
	}
	for _, x := range []struct {
		s    Standard
		name string
		n    units.Bytes
		want time.Duration
	}{
		{A, "6Mbps", 14, 44 * time.Microsecond}, // an ACK: 22+112 bits, 6 symbols
		{A, "54Mbps", 1536, 248 * time.Microsecond},
		{G, "24Mbps", 14, 34 * time.Microsecond},
		{B, "11Mbps", 1536, 1310 * time.Microsecond}, // 1117.09 rounded up, and 192
		{B, "1Mbps", 14, 304 * time.Microsecond},
		{G, "2Mbps", 14, 248 * time.Microsecond},
		{N, "MCS7", 1538, (36 + 48*4) * time.Microsecond}, // 12326 bits of 260
		{N, "MCS15", 1538, (40 + 24*4) * time.Microsecond},
		{FHSS, "1Mbps", 1057, 8584 * time.Microsecond},
	} {
		c := Defaults(x.s)
		m, err := StationConfig{Mode: x.name}.mode(c)
		if err != nil {
			t.Fatal(err)
		}
		if d := m.Duration(x.n); d != x.want {
			t.Errorf("%s %s: %d bytes take %v, want %v", x.s, x.name, x.n, d, x.want)
		}
	}
}

// Acknowledgements go at the fastest mandatory rate that is no faster than the
// data (IEEE 802.11-2016 §10.7.6.5).
func TestControlRates(t *testing.T) {
	for _, x := range []struct {
		s          Standard
		data       string
		basic      units.BitRate
		control    string
		controlAck time.Duration
	}{
		{B, "11Mbps", 0, "2Mbps", 248 * time.Microsecond},
		{B, "11Mbps", units.Mbps, "1Mbps", 304 * time.Microsecond},
		{G, "11Mbps", 0, "2Mbps", 248 * time.Microsecond},
		{G, "54Mbps", 0, "24Mbps", 34 * time.Microsecond},
		{G, "9Mbps", 0, "6Mbps", 50 * time.Microsecond},
		{A, "18Mbps", 0, "12Mbps", 32 * time.Microsecond},
		{A, "54Mbps", 12 * units.Mbps, "12Mbps", 32 * time.Microsecond},
		{N, "MCS0", 0, "6Mbps", 44 * time.Microsecond},
		{N, "MCS11", 0, "24Mbps", 28 * time.Microsecond},
		{FHSS, "1Mbps", 0, "1Mbps", 240 * time.Microsecond},
	} {
		c := Defaults(x.s)
		c.BasicRate = x.basic
		m, err := StationConfig{Mode: x.data}.mode(c)
		if err != nil {
			t.Fatal(err)
		}
		control := c.controlMode(m)
		if control.Name != x.control || control.Duration(ackBytes) != x.controlAck {
			t.Errorf("%s %s: acknowledged at %s in %v, want %s in %v",
				x.s, x.data, control.Name, control.Duration(ackBytes), x.control, x.controlAck)
		}
	}
}

// Rates fall with distance as received power does: 16 - 46.68 - 30·log10(d).
func TestRateByDistance(t *testing.T) {
	c := Defaults(N)
	for _, x := range []struct {
		metres float64
		want   string
	}{
		{1, "MCS11"}, {27.7, "MCS11"}, {27.9, "MCS10"}, {35.1, "MCS9"}, {40.9, "MCS8"}, {51, "MCS8"},
	} {
		m, err := StationConfig{Distance: x.metres}.mode(c)
		if err != nil || m.Name != x.want {
			t.Errorf("%v m: %s, %v, want %s", x.metres, m.Name, err, x.want)
		}
	}
	_, err := StationConfig{Distance: 52}.mode(c)
	if err == nil || err.Error() != "distance 52 m is out of reach: write at most 51" {
		t.Errorf("error %v", err)
	}
}
