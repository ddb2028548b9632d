package traffic

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

type departure struct {
	at   simtime.Time
	size units.Bytes
}

// departures runs a pattern by itself.
func departures(p Pattern, start simtime.Time, n int) []departure {
	var out []departure
	at, size := p.next(start, true)
	for range n {
		if at == simtime.Never {
			break
		}
		out = append(out, departure{at, size})
		at, size = p.next(at, false)
	}
	return out
}

// RFC 8868 §5.3: packets of 1500 octets, the gap size / rate, without drift even
// where it isn't a whole number of nanoseconds.
//
// conformance: RFC8868-5.3
func TestConstantRate(t *testing.T) {
	for _, rate := range []units.BitRate{64 * units.Kbps, 700_001, 2 * units.Mbps, 7 * units.Mbps, 999_999_937} {
		d := departures(ConstantRate(rate, 0), simtime.At(time.Second), 100_001)
		for i, x := range d {
			want := simtime.Time(1e9) + simtime.Time(math.Ceil(float64(i)*12000*1e9/float64(rate)))
			if x.size != 1500 || x.at-want > 1 || want-x.at > 1 {
				t.Fatalf("%v: packet %d of %d leaves at %v, want %v", rate, i, x.size, x.at, want)
			}
		}
	}
	if d := departures(ConstantRate(12*units.Mbps, 0), 0, 3); d[1].at != simtime.At(ms) || d[2].at != simtime.At(2*ms) {
		t.Errorf("12 Mbit/s: %v", d)
	}
}

// §5.3: the rate changes at given times; a packet in the making goes on at the
// new rate.
//
// conformance: RFC8868-5.3
func TestSteppedRate(t *testing.T) {
	p := SteppedRate([]RateStep{
		{simtime.At(20 * ms), 6 * units.Mbps}, {0, 12 * units.Mbps}, // 1 ms, then 2 ms
		{simtime.At(25 * ms), 0}, {simtime.At(time.Second), 12 * units.Mbps},
	}, 1500)
	d := departures(p, simtime.At(500*time.Microsecond), 30)
	var got []float64
	for _, x := range d {
		got = append(got, float64(x.at)/1e6)
	}
	// From 0.5 in steps of 1 to 19.5; half a packet until 20, the other half in
	// 1 ms; 23, 25; then the pause.
	want := []float64{18.5, 19.5, 21, 23, 25, 1001, 1002}
	for i, w := range want {
		if math.Abs(got[18+i]-w) > 1e-9 {
			t.Fatalf("leaves at %v, from 18.5 on want %v", got[18:], want)
		}
	}
	if d := departures(SteppedRate([]RateStep{{0, 0}}, 0), 0, 5); len(d) != 0 {
		t.Errorf("rate 0 sends %v", d)
	}
	if d := departures(SteppedRate([]RateStep{{0, units.Mbps}, {simtime.At(time.Second), 0}}, 0), 0, 1000); len(d) != 84 {
		t.Errorf("1 Mbit/s for a second is %d packets", len(d)) // at 0, 12, …, 996 ms
	}
}

func TestOnOff(t *testing.T) {
	d := departures(&OnOff{Rate: 12 * units.Mbps, On: 10 * ms, Off: 30 * ms}, 0, 100)
	for i, x := range d[:30] {
		// What the end of one period has earned counts in the next: the packet
		// of 10 ms leaves at its end, so that the next is 1 ms into it.
		if phase := time.Duration(x.at) % (40 * ms); phase > 10*ms {
			t.Errorf("packet %d leaves at %v", i, x.at)
		}
	}
	// Exponential: a quarter of the time at the peak rate. A cycle's share has a
	// standard deviation of about 1, and there are 25,000 cycles: ± 1.3 % is 95 %.
	r := rng.New(1).Stream("onoff")
	d = departures(&OnOff{Rate: 12 * units.Mbps, On: 10 * ms, Off: 30 * ms, Random: r}, 0, 250_000)
	last := d[len(d)-1].at.Seconds()
	if share := float64(len(d)) / last / 1000; math.Abs(share-0.25) > 0.25*0.02 {
		t.Errorf("on for %.4f of the time, want 0.25", share)
	}
}

// Poisson arrivals: mean and variance of gaps and sizes. Of n = 400,000 draws
// the mean is within 1.96/√n = 0.31 % and the variance within 1.96·√(8/n) =
// 0.88 % in 95 % of all cases.
func TestPoisson(t *testing.T) {
	const n = 400_000
	r := rng.New(5).Stream("poisson")
	d := departures(&Poisson{Rate: 8 * units.Mbps, Size: 1000, ExponentialSizes: true, Random: r}, 0, n)
	moments := func(x func(i int) float64) (mean, variance float64) {
		for i := range n {
			mean += x(i) / n
		}
		for i := range n {
			variance += (x(i) - mean) * (x(i) - mean) / n
		}
		return mean, variance
	}
	gap := func(i int) float64 {
		if i == 0 {
			return d[0].at.Seconds()
		}
		return d[i].at.Sub(d[i-1].at).Seconds()
	}
	m, v := moments(gap)
	if math.Abs(m-1e-3) > 0.004e-3 || math.Abs(v-1e-6) > 0.012e-6 {
		t.Errorf("gaps have mean %v and variance %v", m, v)
	}
	m, v = moments(func(i int) float64 { return float64(d[i].size) })
	if math.Abs(m-1001) > 4 || math.Abs(v/1e6-1) > 0.015 {
		t.Errorf("sizes have mean %v and variance %v", m, v)
	}
	for _, x := range departures(&Poisson{Rate: units.Mbps, Random: r}, 0, 100) {
		if x.size != 1500 {
			t.Fatalf("size %d", x.size)
		}
	}
}

// M/M/1 and M/D/1: the mean wait in the queue at a load of 0.7 is ρ/(1−ρ) service
// times, or half of it (Pollaczek and Khinchine). Over 1.4 million packets the
// standard error is about 1 %.
func TestQueueingTheory(t *testing.T) {
	for _, exponential := range []bool{true, false} {
		n := newNet(t, 1, fabric.LinkConfig{Rate: 10 * units.Mbps, Delay: ms})
		src, err := NewUDPSource(UDPConfig{Local: left, Remote: right, Pattern: &Poisson{
			Rate: 7 * units.Mbps, Size: 1250, ExponentialSizes: exponential, Random: rng.New(2).Stream("q"),
		}}, n.f.Pool())
		if err != nil {
			t.Fatal(err)
		}
		sink := NewUDPSink(n.f.Pool())
		n.attach(n.a, left.IP, src)
		n.attach(n.b, right.IP, sink)
		n.run(2000 * time.Second)
		f := sink.Flows()[0]
		wait := (f.MeanDelay() - ms - ms).Seconds() * 1e3 // service 1 ms
		want := 0.7 / 0.3
		if !exponential {
			want /= 2
		}
		t.Logf("exponential sizes %v: mean wait %.4f service times, theory %.4f, over %d packets", exponential, wait, want, f.Received)
		if math.Abs(wait/want-1) > 0.03 {
			t.Errorf("exponential sizes %v: mean wait %.4f service times, want %.4f", exponential, wait, want)
		}
	}
}

// The sink tells loss, duplicates and reordering apart.
func TestUDPSink(t *testing.T) {
	pool := &packet.Pool{}
	src, err := NewUDPSource(UDPConfig{Local: left, Remote: right, Flow: 7, Pattern: ConstantRate(12*units.Mbps, 0)}, pool)
	if err != nil {
		t.Fatal(err)
	}
	sink := NewUDPSink(pool)
	var got []*packet.Packet
	for i := range 3000 {
		p := src.PollPacket(simtime.At(time.Duration(i) * ms))
		if seq := binary.BigEndian.Uint64(p.Payload); seq != uint64(i) || p.Size != 1500 {
			t.Fatalf("packet %d has number %d and size %d", i, seq, p.Size)
		}
		got = append(got, p)
	}
	give := func(i int) { sink.HandlePacket(simtime.At(time.Duration(i+5)*ms), pool.Copy(got[i])) }
	for i := range 2000 {
		if i%10 == 3 { // 200 lost
			continue
		}
		give(i)
	}
	give(1993) // late
	give(1993) // and again
	give(1990)
	give(2999) // a jump beyond the window
	give(2000) // late
	f := sink.Flows()[0]
	if f.Flow != 7 || f.Received != 1803 || f.Duplicates != 2 || f.Reordered != 2 || f.Lost() != 3000-1803 {
		t.Errorf("%+v, lost %d", f, f.Lost())
	}
	if f.MinDelay != 5*ms || f.MeanDelay() != 5*ms || f.Bytes != 1803*1500 {
		t.Errorf("delay %v, mean %v, %d octets", f.MinDelay, f.MeanDelay(), f.Bytes)
	}
}

func TestUDPErrors(t *testing.T) {
	for _, p := range []Pattern{
		nil, ConstantRate(1, 47), ConstantRate(1, 70000), &OnOff{}, &Poisson{Rate: 1}, &Poisson{Random: rng.New(1).Stream("")},
	} {
		if _, err := NewUDPSource(UDPConfig{Pattern: p}, &packet.Pool{}); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}
