package tcp

import (
	"fmt"
	"math"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

// pftk is the full model of Padhye, Firoiu, Towsley and Kurose (SIGCOMM 1998,
// equation 30), in packets sent per second. p is the rate of loss indications,
// b how many packets an acknowledgment covers as far as the window's growth
// goes, t0 the first timeout.
func pftk(p, rtt, t0, b, qq float64) float64 {
	w := (2+b)/(3*b) + math.Sqrt(8*(1-p)/(3*b*p)+math.Pow((2+b)/(3*b), 2))
	q3 := math.Pow(1-p, 3)
	if qq >= 0 {
		f := 1 + p + 2*p*p + 4*math.Pow(p, 3) + 8*math.Pow(p, 4) + 16*math.Pow(p, 5) + 32*math.Pow(p, 6)
		return ((1-p)/p + w + qq/(1-p)) / (rtt*(b/2*w+1) + qq*t0*f/(1-p))
	}
	q := math.Min(1, (1-q3)*(1+q3*(1-math.Pow(1-p, w-3)))/(1-math.Pow(1-p, w)))
	f := 1 + p + 2*p*p + 4*math.Pow(p, 3) + 8*math.Pow(p, 4) + 16*math.Pow(p, 5) + 32*math.Pow(p, 6)
	return ((1-p)/p + w + q/(1-p)) / (rtt*(b/2*w+1) + q*t0*f/(1-p))
}

func TestPFTKx(t *testing.T) {
	for _, v := range []struct {
		perAck, noSACK bool
		b              float64
	}{{true, true, 2}, {true, false, 2}, {false, true, 1}, {false, false, 1}} {
		for _, loss := range []float64{0.001, 0.003, 0.01, 0.02, 0.05} {
			fwd := pipe(50 * ms)
			fwd.Loss = loss
			n := newNet(t, 1, fwd, pipe(50*ms))
			p := n.connect(0, 0, Config{PerAckIncrease: v.perAck, NoSACK: v.noSACK, MinRTO: 200*ms}, Config{NoSACK: v.noSACK})
			p.snd.Write(Unlimited)
			dur := 1000 * time.Second
			var srtt float64
			var ns int
var t0 float64
var lastTO uint64
			p.src.after = func(simtime.Time) {
				if s := p.snd.Stats(); s.TimeoutSequences > lastTO {
					lastTO = s.TimeoutSequences
					t0 += p.snd.RTO().Seconds() / 2
				}
				srtt += p.snd.SRTT().Seconds(); ns++ }
			n.run(dur)
			s := p.snd.Stats()
			t0 /= max(1, float64(lastTO))
ind := float64(s.Recoveries+s.TimeoutSequences) / float64(s.DataSegmentsSent)
			rate := float64(s.DataSegmentsSent) / dur.Seconds()
			m := pftk(ind, srtt/float64(ns), t0, v.b, -1)
			fmt.Printf("b=%v nosack=%v loss %v ind %.5f rate %.1f model %.1f ratio %.3f  model(loss) %.1f td %d to %d rtos %d rtt %.4f modelQ %.3f t0 %.3f\n", v.b, v.noSACK, loss, ind, rate, m, rate/m, pftk(loss, 0.1, t0, v.b, -1), s.Recoveries, s.TimeoutSequences, s.Timeouts, srtt/float64(ns), rate/pftk(ind, srtt/float64(ns), t0, v.b, float64(s.TimeoutSequences)/float64(s.Recoveries+s.TimeoutSequences)), t0)
		}
	}
}
