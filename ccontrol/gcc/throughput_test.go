package gcc

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
)

// stream makes packets of 1250 bytes that leave and arrive with constant gaps.
func stream(n int, sent, arrival time.Duration) []ccontrol.PacketResult {
	p := make([]ccontrol.PacketResult, n)
	for i := range p {
		p[i] = ccontrol.PacketResult{
			Seq: uint64(i), Size: 1250, Received: true,
			Sent: at(time.Duration(i) * sent), Arrival: at(50*msec + time.Duration(i)*arrival),
		}
	}
	return p
}

// 1250 bytes every 10 ms are 1 Mbit/s. The rate is the less of departure and
// arrival.
func TestRobust(t *testing.T) {
	for _, c := range []struct {
		n             int
		sent, arrival time.Duration
		want          float64
	}{
		{9, 10 * msec, 10 * msec, 0},
		{10, 10 * msec, 10 * msec, 1e6},
		{300, 10 * msec, 10 * msec, 1e6},
		{50, 5 * msec, 10 * msec, 1e6},
		{50, 10 * msec, 5 * msec, 1e6},
		{900, msec, 2 * msec, 5e6}, // more than the window holds
	} {
		r := &robust{}
		r.add(stream(c.n, c.sent, c.arrival))
		wantNear(t, "rate", r.rate(), c.want)
	}
}

// A path that stops for 300 ms and then delivers what it held doesn't carry less.
func TestRobustIgnoresAPause(t *testing.T) {
	p := stream(100, 10*msec, 10*msec)
	for i := 50; i < 80; i++ {
		p[i].Arrival = max(p[i].Arrival, p[50].Arrival.Add(300*msec)).Add(time.Duration(i) * time.Microsecond)
	}
	r := &robust{}
	r.add(p)
	if got := r.rate(); got < 0.95e6 || got > 1.01e6 {
		t.Errorf("rate %v, want about 1 Mbit/s", got)
	}
}

func TestRobustSortsArrivals(t *testing.T) {
	p := stream(50, 10*msec, 10*msec)
	p[20], p[22] = p[22], p[20]
	r := &robust{}
	r.add(p)
	wantNear(t, "rate", r.rate(), 1e6)
}

func TestRobustStartsAnewWhenTheClockIsSet(t *testing.T) {
	p := stream(50, 10*msec, 10*msec)
	r := &robust{}
	r.add(p)
	for i := range p {
		p[i].Arrival = p[i].Arrival.Add(-time.Hour)
		p[i].Sent = p[i].Sent.Add(time.Second)
	}
	r.add(p)
	wantNear(t, "rate", r.rate(), 1e6)
}

// The first sample is of 500 ms and is taken as it is; later ones are of 150 ms.
func TestBayesian(t *testing.T) {
	b := newBayesian()
	p := stream(400, 10*msec, 10*msec)
	b.add(p[:50])
	if b.rate() != 0 {
		t.Errorf("rate %v before 500 ms", b.rate())
	}
	b.add(p[50:51])
	wantNear(t, "rate", b.rate(), 1e6)
	b.add(p[51:])
	wantNear(t, "rate", b.rate(), 1e6)
}

// A sample of half the rate has the noise (10·0.5)² = 25; the estimate's own
// variance has grown to 50+5: (25·1000 + 55·500)/80.
func TestBayesianWeighs(t *testing.T) {
	b := newBayesian()
	b.add(stream(51, 10*msec, 10*msec))
	b.bytes, b.window = 9375, rateWindow-msec
	b.update(b.last.Add(msec), 0)
	wantNear(t, "rate", b.rate(), 1000*(25*1000+55*500)/80.0)
	wantNear(t, "variance", b.variance, 25*55/80.0)
}

func TestBayesianAfterALR(t *testing.T) {
	b := newBayesian()
	p := stream(60, 10*msec, 10*msec)
	b.add(p[:55])
	before := b.variance
	b.alrEnded(p[55].Sent)
	b.add(p[55:56])
	if b.variance != before {
		t.Error("a packet from before the end counts")
	}
	b.add(p[56:57])
	wantNear(t, "variance", b.variance, before+fastRateChange)
}
