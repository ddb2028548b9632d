package sbd

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// path makes reports of a flow: delays in milliseconds, NaN for a lost packet.
type path struct {
	d   *Detector
	id  int
	seq uint64
	now simtime.Time
}

func (p *path) send(delays ...float64) {
	r := ccontrol.Report{}
	for _, ms := range delays {
		// The receiver's clock is 1 h off.
		at := p.now.Add(time.Hour + time.Duration(math.Round(max(ms, 0)*1e6)))
		r.Packets = append(r.Packets, ccontrol.PacketResult{
			Seq: p.seq, Size: 1000, Sent: p.now, Received: !math.IsNaN(ms), Arrival: at,
		})
		p.seq++
	}
	p.d.OnReport(p.id, &r)
}

// small has windows that can be worked out by hand.
func small() Parameters {
	p := Recommended()
	p.N, p.M, p.F = 4, 3, 1
	return p
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}

// §3.2.2 to §3.2.4 and §4.1, in four intervals. The weights are 3, 2, 1 (M-F+1 = 3 for the
// newest, then M-F = 2 declining to 1).
func TestStatisticsByHand(t *testing.T) {
	d := New(small())
	p := &path{d: d, id: d.Add()}
	f := d.flows[0]
	end := func(delays ...float64) Stats {
		p.send(delays...)
		f.endInterval()
		return d.Stats(0)
	}
	// Interval 1: only a mean, 20. Nothing to compare with.
	s := end(10, 30)
	near(t, "skew_est", s.SkewEst, 0)
	near(t, "var_est", s.VarEst, 0)
	// Interval 2, mean_delay 20, E_T 20: below, below, below, above: skew_base 2.
	// Skewness 0.5 isn't below c_s: no bottleneck, var_base is NaN (§4.2). Mean 25.
	s = end(10, 10, 10, 70)
	near(t, "skew_est", s.SkewEst, 2.0/4)
	if s.Bottleneck {
		t.Error("a delay that is mostly below the mean is no bottleneck's")
	}
	near(t, "var_est", s.VarEst, 0)
	// Interval 3, mean_delay 22.5, E_T 25: skew_base -4, var_base 4·15 = 60.
	// skew_est = (3·-4 + 2·2) / (3·4 + 2·4) = -8/20. Mean 40.
	s = end(40, 40, 40, 40)
	near(t, "skew_est", s.SkewEst, -8.0/20)
	if !s.Bottleneck {
		t.Error("no bottleneck")
	}
	near(t, "var_est", s.VarEst, 60.0/4) // of the one interval that counts
	near(t, "freq_est", s.FreqEst, 0)    // the first excursion crosses nothing
	// Interval 4, mean_delay (20+25+40)/3 = 28.33, E_T 40: below 2, var_base 2·36 = 72.
	// skew_est = (3·2 + 2·-4 + 1·2) / (3·2 + 2·4 + 1·4) = 0/18.
	// var_est = (3·72 + 2·60) / (3·2 + 2·4) = 24. Mean 4 is 24.3 below mean_delay, more
	// than 0.7·24: a significant crossing, of 4 intervals.
	s = end(4, 4)
	near(t, "skew_est", s.SkewEst, 0)
	near(t, "var_est", s.VarEst, 24)
	near(t, "freq_est", s.FreqEst, 0.25)
	near(t, "mean_delay beyond the first packet's 10", f.meanDelay, (25+40+4)/3.0-10)
}

// §3.2.5, over N intervals. What arrives after all was no loss.
func TestPacketLoss(t *testing.T) {
	lost := math.NaN()
	d := New(small())
	p := &path{d: d, id: d.Add()}
	f := d.flows[0]
	p.send(10, lost, lost, 10)
	f.endInterval()
	near(t, "pkt_loss", d.Stats(0).PktLoss, 0.5)
	d.OnReport(0, &ccontrol.Report{Packets: []ccontrol.PacketResult{{Seq: 1, Received: true, Arrival: simtime.At(time.Hour)}}})
	f.endInterval()
	near(t, "pkt_loss", d.Stats(0).PktLoss, 0.25)
	if !d.Stats(0).Bottleneck {
		t.Error("loss above p_l is a bottleneck's (§3.3.1 step 1)")
	}
	for range 3 {
		p.send(10)
		f.endInterval()
	}
	near(t, "pkt_loss", d.Stats(0).PktLoss, 0)
}

// The moving averages of §4.1.1, as the RFC's incremental steps give them.
func TestWeightsAreTheIncrementalOnes(t *testing.T) {
	p := Recommended()
	f := newFlow(&p, 0)
	m, fl := p.M, p.F
	hist, num := make([]int, m+1), make([]int, m+1) // 1 to M
	var sumB, flatB, declB, sumN, flatN, declN int
	seed := 7
	for range 200 {
		seed = seed * 1103515245 % 2147483647
		n := 1 + seed%13
		skew := seed%(2*n+1) - n
		oldB, oldN := hist[m], num[m]
		copy(hist[2:], hist[1:m])
		copy(num[2:], num[1:m])
		num[1], hist[1] = n, skew
		flatB += skew - hist[fl+1]
		declB += (m-fl)*hist[fl+1] - sumB
		declN += (m-fl)*num[fl+1] - sumN + flatN
		flatN += num[1] - num[fl+1]
		sumB += hist[fl+1] - oldB
		sumN += num[1] - oldN
		want := float64((m-fl+1)*flatB+declB) / float64((m-fl+1)*flatN+declN)
		copy(f.past[1:], f.past)
		f.past[0] = interval{n: n, skewBase: skew}
		near(t, "skew_est", f.skewEst(), want)
	}
}

// §3.3.1, step by step.
func TestGrouping(t *testing.T) {
	base := Stats{FreqEst: 0.4, VarEst: 20, SkewEst: -0.2, Bottleneck: true}
	with := func(change func(*Stats)) Stats {
		s := base
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name  string
		flows []Stats
		want  []int
	}{
		{"all alike", []Stats{base, base, base}, []int{0, 0, 0}},
		{"1: no bottleneck", []Stats{base, with(func(s *Stats) { s.Bottleneck = false }), base}, []int{0, -1, 0}},
		{"2: freq_est", []Stats{base, with(func(s *Stats) { s.FreqEst = 0.52 }), base}, []int{0, 1, 0}},
		{"2: neighbours", []Stats{base, with(func(s *Stats) { s.FreqEst = 0.56 }), with(func(s *Stats) { s.FreqEst = 0.48 })}, []int{0, 0, 0}},
		{"3: var_est, 10 % of the higher", []Stats{base, with(func(s *Stats) { s.VarEst = 22.1 }), with(func(s *Stats) { s.VarEst = 22.3 })}, []int{0, 0, 0}},
		{"3: var_est", []Stats{base, with(func(s *Stats) { s.VarEst = 22.4 }), base}, []int{0, 1, 0}},
		{"4: skew_est", []Stats{base, with(func(s *Stats) { s.SkewEst = -0.36 }), with(func(s *Stats) { s.SkewEst = -0.1 })}, []int{0, 1, 0}},
		{"5: little loss doesn't count", []Stats{base, with(func(s *Stats) { s.PktLoss = 0.09 })}, []int{0, 0}},
		{"5: pkt_loss", []Stats{with(func(s *Stats) { s.PktLoss = 0.2 }), with(func(s *Stats) { s.PktLoss = 0.15 }), with(func(s *Stats) { s.PktLoss = 0.19 })}, []int{0, 1, 0}},
	} {
		d := New(Recommended())
		for i, s := range tt.flows {
			d.Add()
			d.flows[i].stats, d.flows[i].intervals = s, 2*d.p.M
		}
		d.divide()
		for i, want := range tt.want {
			if got := d.flows[i].group; got != want {
				t.Errorf("%s: flow %d is in group %d, want %d", tt.name, i, got, want)
			}
		}
	}
}
