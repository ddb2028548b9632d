package tcp

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// pftk is the full model of Padhye, Firoiu, Towsley and Kurose (SIGCOMM 1998,
// equation 30), in packets sent per second. p is the rate of loss indications,
// b how many acknowledgments' worth of segments open the window by one, t0 the
// first timeout of a row, and share the share of timeouts among the
// indications; the model's own estimate of it, min(1, Q(W)), if it is negative.
func pftk(p, rtt, t0, b, share float64) float64 {
	w := (2+b)/(3*b) + math.Sqrt(8*(1-p)/(3*b*p)+(2+b)/(3*b)*(2+b)/(3*b))
	if share < 0 {
		q3 := (1 - p) * (1 - p) * (1 - p)
		share = math.Min(1, (1-q3)*(1+q3*(1-math.Pow(1-p, w-3)))/(1-math.Pow(1-p, w)))
	}
	f := 1 + p*(1+2*p*(1+2*p*(1+2*p*(1+2*p*(1+2*p)))))
	return ((1-p)/p + w + share/(1-p)) / (rtt*(b/2*w+1) + share*t0*f/(1-p))
}

// roundLoss is the model's loss process: a packet is lost with probability p if
// the one before it in its round wasn't, and all later ones of the round with
// it. Rounds are told apart by pauses.
type roundLoss struct {
	p      float64
	random *rng.Stream
	last   simtime.Time
	losing bool
}

func (l *roundLoss) Impair(now simtime.Time, _ *packet.Packet) fabric.Fate {
	if now.Sub(l.last) > 30*ms {
		l.losing = false
	}
	l.last = now
	l.losing = l.losing || l.random.Bool(l.p)
	if l.losing {
		return fabric.Lose
	}
	return fabric.Pass
}

// sample is a long transfer over a path of 100 ms, in the model's terms.
type sample struct {
	sent, rate      float64
	p, rtt, toShare float64
}

func transfer(t *testing.T, seed uint64, loss fabric.Impairment, cfg Config, d time.Duration) sample {
	fwd := pipe(50 * ms)
	fwd.Impairments = []fabric.Impairment{loss}
	n := newNet(t, seed, fwd, pipe(50*ms))
	p := n.connect(0, 0, cfg, Config{})
	p.snd.Write(Unlimited)
	sum, events := 0.0, 0
	p.src.after = func(simtime.Time) {
		sum += p.snd.SRTT().Seconds()
		events++
	}
	n.run(d)
	s := p.snd.Stats()
	indications := float64(s.Recoveries + s.TimeoutSequences)
	sent := float64(s.DataSegmentsSent)
	return sample{
		sent: sent, rate: sent / d.Seconds(), p: indications / sent,
		rtt: sum / float64(events), toShare: float64(s.TimeoutSequences) / indications,
	}
}

// NewReno with delayed acknowledgments against the model within 15 %, for loss
// probabilities of 0.1 to 5 %. b is 2 where the window grows for each
// acknowledgment (equation (3) of RFC 5681) and 1 where it counts octets. As in
// the paper, p is the rate of loss indications, fast retransmits and rows of
// timeouts per packet sent, and RTT is measured; t0 is the minimum RTO.
//
// The time between two indications has a coefficient of variation of about 0.6.
// There are 400 of them at a loss of 0.1 %, 600 at 0.3 %, 1400 at 1 % and more
// beyond, so that the 95 % intervals of the rates are ± 6, 5, 3 and less than
// 2 %. Where windows are small the model is low: with b = 2, which isn't what
// newreno does unless told to, by 16 % at 5 % loss.
//
// Losses come as the model has them. With losses that are independent of each
// other the model's own estimate of the share of timeouts is far too large from
// 1 % on: it takes all packets of the round behind a lost one for lost, where
// here SACK and limited transmit avoid the timeout. With the share that is
// measured the model holds there too.
func TestPFTK(t *testing.T) {
	if testing.Short() {
		t.Skip("short runs say too little")
	}
	for _, perAck := range []bool{true, false} {
		b := 1.0
		if perAck {
			b = 2
		}
		for i, loss := range []float64{0.001, 0.003, 0.01, 0.02, 0.05} {
			d := []time.Duration{1500, 1500, 2000, 4000, 8000}[i] * time.Second
			cfg := Config{PerAckIncrease: perAck}
			random := rng.New(uint64(i)).Stream("loss")
			s := transfer(t, 1, &roundLoss{p: loss, random: random}, cfg, d)
			ratio := s.rate / pftk(s.p, s.rtt, 1, b, -1)
			u := transfer(t, 1, &fabric.IndependentLoss{P: loss, Random: random}, cfg, d)
			plain, measured := u.rate/pftk(u.p, u.rtt, 1, b, -1), u.rate/pftk(u.p, u.rtt, 1, b, u.toShare)
			t.Logf("b %v loss %.3f: p %.5f, %.1f packets/s, %.3f of the model; independent: p %.5f, timeouts %.3f, %.3f of the model, %.3f with the measured share",
				b, loss, s.p, s.rate, ratio, u.p, u.toShare, plain, measured)
			tolerance := 0.15
			if perAck && loss == 0.05 {
				tolerance = 0.18 // 16 % and the interval
			}
			if math.Abs(ratio-1) > tolerance {
				t.Errorf("b %v loss %v: %.3f of the model", b, loss, ratio)
			}
			if math.Abs(measured-1) > 0.15 {
				t.Errorf("b %v independent loss %v: %.3f of the model with the measured share of timeouts", b, loss, measured)
			}
			if loss < 0.005 && math.Abs(plain-1) > 0.15 {
				t.Errorf("b %v independent loss %v: %.3f of the model", b, loss, plain)
			}
		}
	}
}
