package tcp

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

type roundLoss struct {
	p      float64
	gap    time.Duration
	last   simtime.Time
	losing bool
	r      *rng.Stream
	first uint64
}

func (l *roundLoss) Impair(now simtime.Time, p *packet.Packet) fabric.Fate {
	if now.Sub(l.last) > l.gap {
		l.losing = false
	}
	l.last = now
	if l.losing {
		return fabric.Lose
	}
	if l.r.Bool(l.p) {
		l.losing = true
		l.first++
		return fabric.Lose
	}
	return fabric.Pass
}

func TestPFTKy(t *testing.T) {
	for _, v := range []struct {
		perAck, noSACK bool
		b              float64
	}{{true, true, 2}, {true, false, 2}, {false, true, 1}, {false, false, 1}} {
		for _, loss := range []float64{0.001, 0.003, 0.01, 0.02, 0.05} {
			fwd := pipe(50 * ms)
			l := &roundLoss{p: loss, gap: 30 * ms, r: rng.New(1).Stream("x")}
			fwd.Impairments = []fabric.Impairment{l}
			n := newNet(t, 1, fwd, pipe(50*ms))
			p := n.connect(0, 0, Config{PerAckIncrease: v.perAck, NoSACK: v.noSACK, NoLimitedTransmit: true}, Config{NoSACK: v.noSACK})
			p.snd.Write(Unlimited)
			dur := 1000 * time.Second
			var srtt float64
			var ns int
			p.src.after = func(simtime.Time) { srtt += p.snd.SRTT().Seconds(); ns++ }
			n.run(dur)
			s := p.snd.Stats()
			ind := float64(s.Recoveries+s.TimeoutSequences) / float64(s.DataSegmentsSent)
			rate := float64(s.DataSegmentsSent) / dur.Seconds()
			m := pftk(ind, srtt/float64(ns), 1, v.b, -1)
			fmt.Printf("b=%v nosack=%v loss %v ind %.5f rate %.1f model %.1f ratio %.3f  model(loss) %.1f td %d to %d rtos %d rtt %.4f Q %.3f\n", v.b, v.noSACK, loss, ind, rate, m, rate/m, pftk(loss, 0.1, 1, v.b, -1), s.Recoveries, s.TimeoutSequences, s.Timeouts, srtt/float64(ns), rate/pftk(ind, srtt/float64(ns), 1, v.b,  float64(s.TimeoutSequences)/float64(s.Recoveries+s.TimeoutSequences)))
		}
	}
}
