package tcp

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A stepQueue marks every packet that has waited longer than a threshold.
type stepQueue struct {
	fabric.DropTail
	threshold time.Duration
	waited    time.Duration
	packets   int64
}

func newStep(threshold time.Duration) *stepQueue {
	return &stepQueue{DropTail: *fabric.NewDropTail(fabric.Limit{Bytes: 1 << 30}), threshold: threshold}
}

func (q *stepQueue) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	p := q.DropTail.Dequeue(now, drop)
	if p == nil {
		return nil
	}
	wait := now.Sub(p.ArrivedAt)
	q.waited += wait
	q.packets++
	if wait > q.threshold && p.ECN != packet.NotECT {
		p.ECN = packet.CE
	}
	return p
}

// RFC 9331 §4.3: at a step of 1 ms a flow keeps the link busy with hardly any
// queue. A step marks all packets of one round trip and then none, for which
// M. Alizadeh et al. (SIGCOMM 2010, §3.3) give alpha = √(2/W).
func TestPragueStep(t *testing.T) {
	for _, rate := range []units.BitRate{20 * units.Mbps, 100 * units.Mbps} {
		q := newStep(time.Millisecond)
		n := newNet(t, 1, fabric.LinkConfig{Rate: rate, Delay: 15 * ms, Queue: q}, pipe(15*ms))
		p := n.connect(0, 0, Config{Control: ControlPrague}, Config{ECN: AccurateECN})
		p.snd.Write(Unlimited)
		n.run(3 * time.Second)
		got, marks := p.rcv.Received(), p.snd.Stats().CEEchoed
		q.waited, q.packets = 0, 0
		n.resume(6 * time.Second)
		share := float64(p.rcv.Received()-got) * 8 / 3 / (float64(rate) * 1448 / 1500)
		wait := q.waited / time.Duration(q.packets)
		packets := float64(p.rcv.Received()-got) / 1448
		alpha := float64(p.snd.Stats().CEEchoed-marks) / packets
		theory := math.Sqrt(2 / (packets / 3 * p.snd.SRTT().Seconds()))
		t.Logf("%v: %.3f of the capacity, mean wait %v, %.3f of the packets marked, theory %.3f", rate, share, wait, alpha, theory)
		if share < 0.93 || wait > 1500*time.Microsecond {
			t.Errorf("%v: %.3f of the capacity, mean wait %v", rate, share, wait)
		}
		if alpha < theory/1.5 || alpha > theory*1.5 {
			t.Errorf("%v: %.3f of the packets marked, want about %.3f", rate, alpha, theory)
		}
		if s := p.snd.Stats(); s.Retransmitted != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// RFC 9331 §4.3 item 4: below 25 ms the rate hardly depends on the round trip;
// with NewReno it would be inverse to it or worse.
func TestPragueRTTIndependence(t *testing.T) {
	q := newStep(time.Millisecond)
	n := newNet(t, 1, fabric.LinkConfig{Rate: 50 * units.Mbps, Delay: 2 * ms, Queue: q}, pipe(2*ms))
	short := n.connect(0, 0, Config{Control: ControlPrague}, Config{ECN: AccurateECN})
	long := n.connect(100*ms, 20*ms, Config{Control: ControlPrague}, Config{ECN: AccurateECN})
	short.snd.Write(Unlimited)
	long.snd.Write(Unlimited)
	n.run(10 * time.Second)
	a, b := short.rcv.Received(), long.rcv.Received()
	n.resume(40 * time.Second)
	ratio := float64(short.rcv.Received()-a) / float64(long.rcv.Received()-b)
	t.Logf("round trips of 5 and 25 ms: rates %.2f to 1", ratio)
	if ratio < 0.5 || ratio > 2 {
		t.Errorf("round trips of 5 and 25 ms share %.2f to 1", ratio)
	}
}

// RFC 9331 §4.3 item 2 and RFC 8257 §3.5: a loss halves the window.
func TestPragueLoss(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = drop(500)
	p := n.connect(0, 0, Config{Control: ControlPrague}, Config{ECN: AccurateECN})
	p.snd.Write(Unlimited)
	before := units.Bytes(0)
	p.src.after = func(simtime.Time) {
		if p.snd.Stats().Recoveries == 0 {
			before = p.snd.InFlight()
		}
	}
	n.run(1500 * ms)
	if s := float64(p.snd.Ssthresh()) / float64(before); p.snd.Stats().Recoveries != 1 || s < 0.45 || s > 0.55 {
		t.Errorf("ssthresh is %.2f of the flight after %d recoveries", s, p.snd.Stats().Recoveries)
	}
}

// RFC 8257 §3.3: alpha goes to the share of marked packets.
func TestPragueAlpha(t *testing.T) {
	p := newPrague()
	w := &window{cwnd: 1e6, ssthresh: 1, smss: 1000}
	now := simtime.Time(0)
	for i := range 400 {
		now = now.Add(100 * ms)
		p.acked(w, &acknowledgment{
			now: now, acked: 100_000, delivered: 100_000, marks: 30,
			una: seq(100_000 * (i + 1)), nxt: seq(100_000 * (i + 1)), srtt: 100 * ms,
		})
	}
	if math.Abs(p.alpha-0.3) > 1e-3 {
		t.Errorf("alpha is %v", p.alpha)
	}
}

// Without accurate feedback Prague is classic: ECT0, and a mark halves.
func TestPragueWithClassicReceiver(t *testing.T) {
	q := newStep(20 * time.Millisecond)
	n := newNet(t, 1, fabric.LinkConfig{Rate: 10 * units.Mbps, Delay: 15 * ms, Queue: q}, pipe(15*ms))
	p := n.connect(0, 0, Config{Control: ControlPrague}, Config{ECN: ClassicECN})
	p.snd.Write(Unlimited)
	n.run(10 * time.Second)
	if p.snd.ECN() != ClassicECN || p.snd.Stats().ECNReductions < 3 || p.snd.Stats().Retransmitted != 0 {
		t.Errorf("%v, %+v", p.snd.ECN(), p.snd.Stats())
	}
}
