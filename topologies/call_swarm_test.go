package topologies_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

var calls = flag.Int("calls", 1000, "number of random calls of TestCallSwarm")

// What becomes of a call in the swarm: until healed the path does what it likes,
// from recovered on everything has to be well again, at ended it is over.
const (
	healed    = 6 * time.Second
	recovered = healed + 2*time.Second
	ended     = 18 * time.Second
)

// TestCallSwarm runs random calls of complete endpoints over paths that lose,
// corrupt, duplicate and reorder. Nothing panics, every packet is accounted for
// (checked inside), every stream is seen again within two seconds after the path
// has healed, or a second after there are keys, and RTCP keeps to its share.
func TestCallSwarm(t *testing.T) {
	n := uint64(*calls)
	if testing.Short() {
		n = min(n, 100)
	}
	for seed := *first; seed < *first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("replay: go test ./topologies -run TestCallSwarm -calls 1 -first %d", seed)
				}
			}()
			watchCall(t, randomCall(seed))
		})
	}
}

// watch is what a call of the swarm is judged by.
type watch struct {
	sim   *topologies.Simulation
	shown map[*topologies.Flow]int // frames after the recovery
	began map[*endpoints.Session]simtime.Time
	rtcp  []rtcpSent
}

type rtcpSent struct {
	at   simtime.Time
	size units.Bytes
}

func watchCall(t *testing.T, c topologies.Config) {
	t.Helper()
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	w := watch{sim: sim, shown: map[*topologies.Flow]int{}, began: map[*endpoints.Session]simtime.Time{}}
	sim.OnEvent(w.handle)
	if err := sim.Run(context.Background(), simtime.At(ended)); err != nil {
		t.Fatal(err)
	}
	for _, f := range sim.Flows {
		if f.Stop < simtime.At(ended) || f.Start > simtime.At(recovered) {
			continue
		}
		// A handshake that the sick path has stopped goes on when its timer expires, which
		// may be 4 s by then.
		from := max(recovered, w.began[f.Session].Duration())
		if from > healed+5*time.Second {
			t.Errorf("%s: no keys before %v", f.Flow(), from)
		}
		want := int(f.Model.FrameRate * (ended - from - time.Second).Seconds() * 0.85)
		if got := w.shown[f]; got < want {
			t.Errorf("%s: %d frames shown from %v on, want %d", f.Flow(), got, recovered, want)
		}
	}
	w.checkShare(t, c)
}

func (w *watch) handle(e endpoints.Event) {
	switch e.Kind {
	case endpoints.SessionEntered:
		w.began[e.Session] = e.At
	case endpoints.RTCPSent:
		w.rtcp = append(w.rtcp, rtcpSent{e.At, e.Size})
	case endpoints.FrameRendered:
		for _, f := range w.sim.Flows {
			if f.Receiver == e.Section && e.At >= simtime.At(recovered) {
				w.shown[f]++
			}
		}
	default:
	}
}

// checkShare compares the RTCP of both ends in any ten seconds with what they may
// use. The first seconds are left out: intervals start short (RFC 3550 §6.2), and
// members come. Intervals are random: of all windows of thousands of calls the worst
// has a quarter more than the mean.
func (w *watch) checkShare(t *testing.T, c topologies.Config) {
	t.Helper()
	const window, start = 10 * time.Second, 5 * time.Second
	bandwidth := 0.0
	for _, s := range c.Calls[0].Sessions {
		bandwidth += float64(s.RTCP[0].Bandwidth)
	}
	sum := units.Bytes(0)
	for first, last := 0, 0; last < len(w.rtcp); last++ {
		if w.rtcp[last].at < simtime.At(start) {
			first = last + 1
			continue
		}
		sum += w.rtcp[last].size
		for w.rtcp[last].at.Sub(w.rtcp[first].at) > window {
			sum -= w.rtcp[first].size
			first++
		}
		if rate := float64(8*sum) / window.Seconds(); rate > 1.3*bandwidth {
			t.Fatalf("RTCP of %.0f bit/s in the 10 s before %v, allowed are %.0f", rate, w.rtcp[last].at, bandwidth)
		}
	}
}

// until is an impairment that ends when the path has healed.
type until struct{ fabric.Impairment }

func (u until) Impair(now simtime.Time, p *packet.Packet) fabric.Fate {
	if now >= simtime.At(healed) {
		return fabric.Pass
	}
	return u.Impairment.Impair(now, p)
}

// sick makes a direction of the path.
func sick(r *rng.Stream) topologies.Direction {
	d := topologies.Direction{
		Rate: fabric.Unlimited, Delay: pick(r, 5*time.Millisecond, 20*time.Millisecond, 60*time.Millisecond),
		Jitter: &topologies.Jitter{Std: pick(r, 0, time.Millisecond, 4*time.Millisecond), Bound: 3, NoReorder: r.Bool(0.5)},
	}
	loss := pick(r, 0, 0.01, 0.05, 0.2)
	pl := loss * pick(r, 0.0, 0.3)
	corruption, duplication := pick(r, 0, 0.02), pick(r, 0, 0.03)
	order := r.Uint32()
	for _, i := range []func(*topologies.Env) fabric.Impairment{
		func(e *topologies.Env) fabric.Impairment {
			return &fabric.IndependentLoss{P: loss, Random: e.Stream(fmt.Sprint("loss", order))}
		},
		func(e *topologies.Env) fabric.Impairment {
			return &impair.GilbertElliott{GoodToBad: pl, BadToGood: 0.3, LossBad: 1, Random: e.Stream(fmt.Sprint("bursts", order))}
		},
		func(e *topologies.Env) fabric.Impairment {
			return &impair.Corruption{P: corruption, Random: e.Stream(fmt.Sprint("bits", order))}
		},
		func(e *topologies.Env) fabric.Impairment {
			return &impair.Duplication{P: duplication, Random: e.Stream(fmt.Sprint("copies", order))}
		},
	} {
		d.Impairments = append(d.Impairments, func(e *topologies.Env) fabric.Impairment { return until{i(e)} })
	}
	return d
}

// randomCall is a call of up to eight streams that start, stop and pause.
func randomCall(seed uint64) topologies.Config {
	r := rng.New(seed).Stream("call swarm")
	rtcp := endpoints.RTCPConfig{
		AVPF: true, Bandwidth: pick(r, 60*units.Kbps, 150*units.Kbps), Minimum: rtcptiming.FixedMinimum,
		TrrInterval: pick(r, 0, 0, 500*time.Millisecond), ReducedSize: r.Bool(0.7), Aggregate: r.Bool(0.7),
		Groups: r.Bool(0.3), Burst: pick(r, 0, 4),
	}
	repair := endpoints.DefaultRepair()
	repair.NACK, repair.Refresh = r.Bool(0.8), pick(r, endpoints.RefreshPLI, endpoints.RefreshFIR)
	share := pick(r, 0, 0, 0.1, 0.5)
	c := topologies.Config{
		Seed: seed, Type: topologies.PointToPoint,
		Endpoints: []topologies.Endpoint{{Name: "S", At: "A", ClockOffset: pick(r, 0, time.Hour)}, {Name: "R", At: "B"}},
		Links:     []topologies.Link{{Name: "path", From: "A", To: "B", Forward: sick(r), Backward: sick(r)}},
		// Full encryption in a few calls: it costs most of the time.
		Protection: pick(r, protect.Full, protect.SizeOnly, protect.SizeOnly, protect.SizeOnly),
		Security: topologies.Security{
			Handshake: r.Bool(0.8), Timeout: 250 * time.Millisecond,
			Profile: pick(r, keying.AES128CMSHA180, keying.AEADAES128GCM), Cryptex: pick(r, protect.CryptexOff, protect.CryptexOn),
		},
		Repair: repair, RTX: repair.NACK && r.Bool(0.8),
		ExtendedReports: endpoints.ExtendedReports{ReferenceTime: r.Bool(0.5), Summary: r.Bool(0.2), VoIPMetrics: r.Bool(0.2)},
		PlayoutDelay:    pick(r, 150*time.Millisecond, 400*time.Millisecond),
		Congestion: topologies.Congestion{
			ECN: packet.ECT0,
			Control: topologies.Control{
				Controller: "fixed", Feedback: pick(r, endpoints.FeedbackNone, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC, endpoints.FeedbackECN), Interval: 100 * time.Millisecond,
			},
		},
	}
	if r.Bool(0.5) {
		c.Extensions = []headerext.Entry{{ID: 2, URI: headerext.AbsSendTime.URI()}, {ID: 6, URI: headerext.NTP64.URI()}}
	}
	var media []topologies.Media
	for i := range 1 + r.Uint64()%8 {
		media = append(media, randomStream(r, i))
	}
	for i := range media {
		switch m := &media[i]; {
		case m.Kind == endpoints.Audio && r.Bool(0.3):
			m.FEC = topologies.FEC{Scheme: topologies.RED, Level: pick(r, 1, 3)}
		case m.Kind == endpoints.Video && share > 0:
			m.FEC = topologies.FEC{Scheme: pick(r, topologies.FlexFEC, topologies.ULPFEC), Share: share}
		}
	}
	c.Repair.Adaptive = r.Bool(0.3)
	c.Repair.SLI, c.Repair.RPSI = r.Bool(0.3), pick(r, endpoints.RPSINone, endpoints.RPSINone, endpoints.RPSIOnLoss, endpoints.RPSIAcknowledge)
	c.Repair.NACKSteers = c.Repair.NACK && r.Bool(0.1)
	if a, b := &media[0], &media[len(media)-1]; a.From != b.From && r.Bool(0.4) {
		a.SSRC, b.SSRC = 0x5eed, 0x5eed // no matter if in one session or in two
	}
	clocks := rng.New(seed).Stream("clocks")
	c.LipSync, c.FixedAudio = clocks.Bool(0.5), clocks.Bool(0.1)
	for i := range c.Endpoints {
		c.Endpoints[i].ClockDrift = pick(clocks, 0.0, 100, -100, 500)
	}
	for i := range media {
		media[i].ClockDrift = pick(clocks, 0.0, 100, -100, -500)
	}
	c.Calls = []topologies.Call{{A: "S", B: "R", Sessions: sessions(r, rtcp, media)}}
	return c
}

func randomStream(r *rng.Stream, i uint64) topologies.Media {
	m := topologies.Media{
		From: "S", To: "R", Name: fmt.Sprint("m", i), Kind: pick(r, endpoints.Video, endpoints.Audio),
		Start: simtime.At(pick(r, 0, 500*time.Millisecond, 3*time.Second)),
		Stop:  pick(r, simtime.Never, simtime.Never, simtime.At(4*time.Second)), PacketSize: 1200,
		Rate: pick(r, 20*units.Kbps, 64*units.Kbps), Frame: 20 * time.Millisecond,
	}
	if r.Bool(0.5) {
		m.From, m.To = m.To, m.From
	}
	if r.Bool(0.3) && m.Start < simtime.At(2*time.Second) {
		m.Pauses = []endpoints.Pause{{From: simtime.At(2 * time.Second), To: simtime.At(pick(r, 2500*time.Millisecond, 5*time.Second))}}
	}
	if m.Kind == endpoints.Audio && r.Bool(0.5) { // who talks all the time, so that there is something to count
		m.Speech = &topologies.Speech{Codecs: []endpoints.Codec{endpoints.CodecOpus, endpoints.CodecPCMU}, VBR: r.Bool(0.5), FEC: r.Bool(0.3)}
		if r.Bool(0.5) {
			m.Speech.Switches = []endpoints.Switch{{At: simtime.At(5 * time.Second), Voice: 1}, {At: simtime.At(7 * time.Second), Voice: 0}}
		}
	}
	if m.Kind == endpoints.Video {
		m.Video = encoder.VideoConfig{
			Min: 60 * units.Kbps, Max: 200 * units.Kbps, Start: 200 * units.Kbps, FPS: pick(r, 15.0, 30), // repairs need room
			BurstSize: 3, BurstFrames: pick(r, 0, 8), Layers: int(1 + r.Uint64()%3),
		}
		m.Perfect = r.Bool(0.5)
		m.Bandwidth = pick(r, 0, 0, 150*units.Kbps, 300*units.Kbps)
	}
	return m
}
