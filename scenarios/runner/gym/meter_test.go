package gym

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func ms(n float64) simtime.Time { return simtime.Time(n * 1e6) }

// arrived is a packet of 1,000 octets, sent at one time and received at another, in ms.
func arrived(sent, arrival float64) ccontrol.PacketResult {
	return ccontrol.PacketResult{Size: 1000, Sent: ms(sent), Received: true, Arrival: ms(arrival)}
}

func lost(sent float64) ccontrol.PacketResult {
	return ccontrol.PacketResult{Size: 1000, Sent: ms(sent)}
}

func want(t *testing.T, got []float64, field int, value float64) {
	t.Helper()
	if math.Abs(got[field]-value) > 1e-9*max(1, math.Abs(value)) {
		t.Errorf("%s is %v, want %v", observed(1)[field].Name, got[field], value)
	}
}

// The receiver's clock is an hour ahead, which makes no difference.
func TestObservation(t *testing.T) {
	const hour = 3_600_000
	m := meter{fields: observed(1e6)}
	for range 5 {
		m.onSent(1000)
	}
	marked := arrived(30, hour+90)
	marked.ECN = packet.CE
	m.onReport(ms(80), &ccontrol.Report{Packets: []ccontrol.PacketResult{arrived(10, hour+60), lost(20), marked}, RTT: 70 * time.Millisecond})
	o := m.observe(ms(100), 400*units.Kbps)
	want(t, o, fieldTarget, 400e3)
	want(t, o, fieldSendRate, 400e3)
	want(t, o, fieldReceiveRate, 8000/0.030)
	want(t, o, fieldLoss, 1.0/3)
	want(t, o, fieldMarked, 0.5)
	want(t, o, fieldRTT, 0.070)
	want(t, o, fieldQueueDelay, 0.005) // delays of 0 and 10 ms above the least
	want(t, o, fieldGradient, 0)       // nothing to compare with
	want(t, o, fieldSilence, 0.020)
	want(t, o, fieldReports, 1)

	// The next two packets arrive 80 ms after the newest, 35 ms later than the first two
	// in the mean, sent 80 ms after them.
	m.onReport(ms(150), &ccontrol.Report{Packets: []ccontrol.PacketResult{arrived(90, hour+170), arrived(110, hour+210)}})
	m.onReport(ms(160), &ccontrol.Report{Reception: make([]ccontrol.Reception, 1)}) // not about packets
	o = m.observe(ms(200), 400*units.Kbps)
	want(t, o, fieldSendRate, 0)
	want(t, o, fieldReceiveRate, 16000/0.120)
	want(t, o, fieldLoss, 0)
	want(t, o, fieldQueueDelay, 0.040)
	want(t, o, fieldGradient, 0.035/0.080)
	want(t, o, fieldReports, 1)
	want(t, o, fieldRTT, 0.070)

	// Without news the last is held, and the receive rate for half a second.
	o = m.observe(ms(600), 400*units.Kbps)
	want(t, o, fieldReceiveRate, 16000/0.120)
	want(t, o, fieldQueueDelay, 0.040)
	want(t, o, fieldGradient, 0)
	want(t, o, fieldSilence, 0.450)
	want(t, o, fieldReports, 0)
	o = m.observe(ms(700), 400*units.Kbps)
	want(t, o, fieldReceiveRate, 0)
	want(t, o, fieldQueueDelay, 0.040)

	// Nothing but losses is a receive rate of 0.
	m.onReport(ms(750), &ccontrol.Report{Packets: []ccontrol.PacketResult{lost(500), lost(600)}})
	o = m.observe(ms(800), 400*units.Kbps)
	want(t, o, fieldReceiveRate, 0)
	want(t, o, fieldLoss, 1)
}

func TestObservationsStayInBounds(t *testing.T) {
	m := meter{fields: observed(1e6)}
	m.onSent(1 << 40)
	m.onReport(ms(1), &ccontrol.Report{Packets: []ccontrol.PacketResult{arrived(0, 1), arrived(1, 90_000)}, RTT: time.Hour})
	check := func(o []float64) {
		t.Helper()
		for i, f := range m.fields {
			if !(o[i] >= f.Low && o[i] <= f.High) {
				t.Errorf("%s is %v, not %v to %v", f.Name, o[i], f.Low, f.High)
			}
		}
	}
	check(m.observe(ms(100), 1e9))
	m.onReport(ms(101), &ccontrol.Report{Packets: []ccontrol.PacketResult{arrived(2, 3)}})
	check(m.observe(ms(100_000), 0))
}

func TestReward(t *testing.T) {
	o := make([]float64, numFields)
	o[fieldReceiveRate], o[fieldQueueDelay], o[fieldLoss] = 300e3, 0.1, 0.02
	p := partsOf(o)
	if math.Abs(p.Rate-math.Log(4)) > 1e-12 {
		t.Errorf("the rate's part is %v", p.Rate)
	}
	w := DefaultWeights()
	for _, text := range []string{"rate=2", "delay=10", "loss=0.5"} {
		if err := w.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := w.reward(p), 2*math.Log(4)-1-0.01; math.Abs(got-want) > 1e-12 {
		t.Errorf("reward %v, want %v", got, want)
	}
	for _, text := range []string{"rate", "rate=x", "rate=-1", "rate=NaN", "speed=1", "=", "rate=1e9"} {
		if err := w.Set(text); err == nil {
			t.Errorf("weight %q is taken", text)
		}
	}
}
