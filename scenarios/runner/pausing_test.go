package runner_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// pausing is what goes over the uplinks of a scenario, and who sees what when.
type pausing struct {
	sim      *topologies.Simulation
	sent     map[string][]rtpSent // by flow, of video to the SFM
	held     map[string][][2]simtime.Time
	seen     map[string][]simtime.Time // by flow to a receiver
	keys     map[string][]simtime.Time // key frames that are encoded
	lost     bool
	timeouts int
}

func watchPauses(t *testing.T, path string, set ...string) *pausing {
	t.Helper()
	s := load(t, path, append(set, "expect=[]", "protection=none")...)[0].Scenario
	p := &pausing{sent: map[string][]rtpSent{}, held: map[string][][2]simtime.Time{}, seen: map[string][]simtime.Time{}, keys: map[string][]simtime.Time{}}
	sim := build(t, s)
	p.sim = sim
	w := watchRTP(t, sim, "")
	section := map[*endpoints.Section]string{}
	for _, f := range sim.Flows {
		section[f.Sender] = f.Flow()
	}
	sim.OnEvent(func(e endpoints.Event) {
		switch e.Kind {
		case endpoints.StreamPaused:
			p.held[section[e.Section]] = append(p.held[section[e.Section]], [2]simtime.Time{e.At, simtime.Never})
		case endpoints.StreamUnpaused:
			list := p.held[section[e.Section]]
			list[len(list)-1][1] = e.At
		case endpoints.FrameEncoded:
			if e.Key {
				p.keys[section[e.Section]] = append(p.keys[section[e.Section]], e.At)
			}
		case endpoints.FrameRendered:
			for _, f := range sim.Flows {
				if f.Receiver == e.Section && f.Sender.SSRC() == e.SSRC {
					p.seen[f.Flow()] = append(p.seen[f.Flow()], e.At)
				}
			}
		case endpoints.ParticipantTimedOut, endpoints.BreakerTripped:
			p.timeouts++
		default:
		}
		for _, m := range e.Session.Sections() {
			for _, r := range m.Main().Reports() {
				p.lost = p.lost || r.Lost > 0
			}
		}
	})
	play(t, sim, s)
	for _, f := range sim.Flows {
		if f.To == "sfm" && f.Kind == endpoints.Video {
			p.sent[f.Flow()] = w.sent[f.Sender.SSRC()]
		}
	}
	return p
}

// first returns how long after a time a picture of a flow is seen first.
func (p *pausing) first(flow string, after time.Duration) time.Duration {
	for _, at := range p.seen[flow] {
		if at >= simtime.At(after) {
			return at.Sub(simtime.At(after))
		}
	}
	return time.Hour
}

// A camera that nobody watches sends nothing, and when somebody does it begins with a key frame. Nobody takes the pause for
// a loss, or for the end; it takes no longer until the picture is there than from a camera that hasn't stopped.
func TestUnneededCamerasPause(t *testing.T) {
	t.Parallel()
	p, all := watchPauses(t, meshes+"sfm-pausing.yaml"), watchPauses(t, meshes+"sfm-pausing.yaml", "topology.pause-unneeded=false")
	if len(p.held["D/video"]) != 2 || len(all.held) > 0 {
		t.Fatalf("pauses: %v, without %v", p.held, all.held)
	}
	for flow, pauses := range p.held {
		for _, pause := range pauses {
			for _, packet := range p.sent[flow] {
				if packet.at > pause[0].Add(100*time.Millisecond) && packet.at < pause[1] { // what has waited for the pacer goes
					t.Fatalf("%s is paused from %v to %v, and sends at %v", flow, pause[0], pause[1], packet.at)
				}
			}
			if pause[1] == simtime.Never {
				continue
			}
			fresh := false
			for _, key := range p.keys[flow] {
				fresh = fresh || key >= pause[1] && key < pause[1].Add(40*time.Millisecond)
			}
			if !fresh {
				t.Errorf("%s goes on at %v without a key frame", flow, pause[1])
			}
		}
	}
	for _, o := range []*pausing{p, all} {
		if o.lost || o.timeouts > 0 {
			t.Errorf("losses are reported: %v; %d time-outs and circuit breakers", o.lost, o.timeouts)
		}
	}
	for _, turn := range []struct {
		flow  string
		began time.Duration
	}{{"C/video>A", 10 * time.Second}, {"D/video>A", 15 * time.Second}, {"A/video>B", 30 * time.Second}, {"C/video>D", 35 * time.Second}} {
		with, without := p.first(turn.flow, turn.began), all.first(turn.flow, turn.began)
		if with > without+50*time.Millisecond || with > 700*time.Millisecond {
			t.Errorf("%s is seen %v after its turn has begun, %v if it never stops", turn.flow, with, without)
		}
	}
}

// A quality that nobody's path carries isn't sent: all of the uplink that it would take is saved. When a path carries it, it is
// there.
func TestUnneededQualityPauses(t *testing.T) {
	t.Parallel()
	rate := func(pause string) (high, before, after float64) {
		r := run(t, load(t, meshes+"simulcast-pausing.yaml", "expect=[]", "topology.pause-unneeded="+pause)[0])
		return mean(series(t, r, "A/high", record.SendRate)[5:100]), mean(series(t, r, "A/camera>B", record.ReceiveRate)[50:100]), mean(series(t, r, "A/camera>B", record.ReceiveRate)[250:])
	}
	high, before, after := rate("true")
	always, _, _ := rate("false")
	if high > 0 || always < 650e3 || before < 150e3 || after < 1e6 {
		t.Errorf("A sends %.0f bit/s of what nobody gets, %.0f without pauses; B gets %.0f and then %.0f", high, always, before, after)
	}
}

// Requests that are lost are repeated, and so are answers: with a tenth of all packets lost on each way everybody who isn't
// seen still pauses, and who is to be seen goes on.
func TestPausesBearLoss(t *testing.T) {
	long(t)
	t.Parallel()
	for _, seed := range []string{"1", "2", "3", "4", "5"} {
		set := []string{"expect=[]", "seed=" + seed}
		for _, link := range []string{"a", "b", "c", "d"} {
			set = append(set, "network.links."+link+".loss=10%")
		}
		r := run(t, load(t, meshes+"sfm-pausing.yaml", set...)[0])
		for _, c := range []struct {
			flow     string
			from, to int
			sends    bool
		}{{"D/video", 4, 15, false}, {"D/video", 17, 30, true}, {"B/video", 23, 35, false}, {"A/video", 32, 39, true}, {"A/video", 19, 29, false}} {
			rate := series(t, r, c.flow, record.SendRate)[5*c.from : 5*c.to]
			if got := mean(rate); got > 100e3 != c.sends || got > 0 && !c.sends {
				t.Errorf("seed %s: %s sends %.0f bit/s from %d s to %d s", seed, c.flow, got, c.from, c.to)
			}
		}
	}
}

// Who restarts the SFM has it learn from PAUSED what is paused, and asks to go on for what somebody watches.
func TestPausesOutliveRestarts(t *testing.T) {
	long(t)
	t.Parallel()
	r := run(t, load(t, meshes+"sfm-pausing.yaml", "expect=[]", "security={keying: preshared}",
		"topology={type: sfm, at: M, peers: [A, B, C, D], last-n: 1, pause-unneeded: true, restarts: [{at: 22s, for: 1s}]}")[0])
	if fps := mean(series(t, r, "D/video>A", record.FrameRate)[5*26 : 5*30]); fps < 28 {
		t.Errorf("A sees %.1f pictures of D a second", fps)
	}
	if fps := mean(series(t, r, "A/video>B", record.FrameRate)[5*32 : 5*35]); fps < 28 { // paused since 10 s
		t.Errorf("B sees %.1f pictures of A a second in its turn", fps)
	}
	if rate := mean(series(t, r, "B/video", record.SendRate)[5*27 : 5*34]); rate > 0 {
		t.Errorf("nobody sees B, and it sends %.0f bit/s", rate)
	}
}
