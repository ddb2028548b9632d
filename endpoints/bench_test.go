package endpoints_test

import (
	"runtime"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// pair is two endpoints without anything between them: packets arrive at once.
type pair struct {
	pool packet.Pool
	ends [2]*endpoints.Endpoint
	now  simtime.Time
	rtp  int
}

// newPair lets the first end send video of 10 Mbit/s in packets of 1200 octets.
func newPair(b testing.TB, mode protect.Mode, repair endpoints.RepairConfig) *pair {
	p := &pair{}
	random := rng.New(1)
	const rate = 10 * units.Mbps
	format := endpoints.VP8(96)
	if repair.NACK {
		format.RTX = 97
	}
	if repair.FEC > 0 {
		format.RED, format.ULPFEC = 116, 117
	}
	for i, name := range []string{"A", "B"} {
		p.ends[i] = endpoints.New(endpoints.Config{Name: name, Addr: addrs[i].IP, Pool: &p.pool, Random: random})
		sc := endpoints.SectionConfig{Name: "video", Kind: endpoints.Video, Formats: []endpoints.Format{format}}
		var cc ccontrol.Controller
		if i == 0 {
			sc.Send = &endpoints.SendConfig{
				Encoder: encoder.NewPerfect(encoder.VideoConfig{Min: rate, Max: rate, Start: rate, FPS: 30}, 0),
				Stop:    simtime.Never, PacketSize: 1200, Model: endpoints.NewStreamModel(endpoints.Video, rate, rate, rate, 30, 1200, 10, 0),
			}
			cc = &idle{}
		}
		if _, err := p.ends[i].Connect(0, endpoints.ConnectionConfig{Peer: "x", Sessions: []endpoints.SessionConfig{{
			Local: addrs[i], Remote: addrs[1-i], Sections: []endpoints.SectionConfig{sc}, Protection: mode,
			Keying: keying.NewPreshared(random, name, []string{"B", "A"}[i]), RTCP: quick, Repair: repair,
			Feedback: endpoints.FeedbackNone, Controller: cc, PlayoutDelay: 100 * time.Millisecond,
		}}}); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

type idle struct{ ccontrol.NoTimeout }

func (*idle) OnFeedback(simtime.Time, *ccontrol.Report) {}
func (*idle) Target() ccontrol.Target {
	return ccontrol.Target{Media: 20 * units.Mbps, Pacing: 100 * units.Mbps}
}

// step goes on to the next deadline of either end.
func (p *pair) step() {
	next := simtime.Never
	for _, e := range p.ends {
		at, _ := e.NextTimeout()
		next = min(next, at)
	}
	p.now = next
	for _, e := range p.ends {
		e.HandleTimeout(p.now)
	}
	for i, e := range p.ends {
		for q := e.PollPacket(p.now); q != nil; q = e.PollPacket(p.now) {
			if q.Payload[1] < 192 || q.Payload[1] > 223 {
				p.rtp++
			}
			p.ends[1-i].HandlePacket(p.now, q)
		}
	}
	for _, e := range p.ends {
		for _, ok := e.PollEvent(); ok; _, ok = e.PollEvent() {
		}
	}
}

// One RTP packet of 1200 octets through sender and receiver, its share of RTCP,
// frames and timers included.
func BenchmarkPacket(b *testing.B) {
	for _, bm := range []struct {
		name   string
		mode   protect.Mode
		repair endpoints.RepairConfig
	}{
		{"clear", protect.None, endpoints.RepairConfig{}},
		{"size-only", protect.SizeOnly, endpoints.RepairConfig{}},
		{"AES-CM", protect.Full, endpoints.RepairConfig{}},
		{"clear with repair", protect.None, endpoints.DefaultRepair()},
		{"clear with ULPFEC", protect.None, endpoints.RepairConfig{FEC: 0.1}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := newPair(b, bm.mode, bm.repair)
			for p.rtp < 20000 {
				p.step()
			}
			p.rtp = 0
			b.ReportAllocs()
			b.ResetTimer()
			for p.rtp < b.N {
				p.step()
			}
		})
	}
}

// A packet costs no memory in the steady state; RTCP, which pion writes and reads,
// costs a few allocations a report.
func TestNoAllocationPerPacket(t *testing.T) {
	guarded := endpoints.DefaultRepair()
	guarded.FEC = 0.1
	marked := endpoints.DefaultRepair()
	marked.SLI, marked.RPSI, marked.NACKSteers = true, endpoints.RPSIOnLoss, true
	for _, repair := range []endpoints.RepairConfig{endpoints.DefaultRepair(), guarded, marked} {
		p := newPair(t, protect.None, repair)
		for p.rtp < 20000 {
			p.step()
		}
		var before, after runtime.MemStats
		p.rtp = 0
		runtime.ReadMemStats(&before)
		for p.rtp < 20000 {
			p.step()
		}
		runtime.ReadMemStats(&after)
		if n := after.Mallocs - before.Mallocs; n > 2000 {
			t.Errorf("FEC %v: %d allocations for 20000 packets", repair.FEC, n)
		}
	}
}

// BenchmarkIdleSessions tells what a thousand sessions take that were never used:
// B/op is for all of them.
func BenchmarkIdleSessions(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		random := rng.New(1)
		var pool packet.Pool
		e := endpoints.New(endpoints.Config{Name: "A", Addr: addrs[0].IP, Pool: &pool, Random: random})
		for i := range 1000 {
			if _, err := e.Connect(0, endpoints.ConnectionConfig{Peer: "B", Sessions: []endpoints.SessionConfig{{
				Local: addrs[0], Remote: packet.Addr{IP: packet.IPv4(i), Port: 1}, Protection: protect.Full,
				Keying: keying.NewPreshared(random, "A", "B"), RTCP: quick, Repair: endpoints.DefaultRepair(),
				Sections: []endpoints.SectionConfig{{Name: "audio", Kind: endpoints.Audio, Formats: []endpoints.Format{endpoints.Opus(111)}}},
			}}}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
