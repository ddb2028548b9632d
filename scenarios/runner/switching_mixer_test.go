package runner_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const switching = meshes + "switching-mixer.yaml"

// Two streams of video of the mixer's own live on each leg throughout, whoever is seen: the
// latest speakers, and for one of them the next latest. What comes down is two pictures
// instead of five.
//
// conformance: TOP-A.3.2-1, TOP-A.3.2-4, TOP-A.3.2-6
func TestMixerShowsLatestSpeakers(t *testing.T) {
	long(t)
	t.Parallel()
	sim, w := playRTP(t, load(t, switching)[0].Scenario, "mixer", nil)
	origin := map[uint32]string{}
	for _, f := range sim.Flows {
		if f.To == "mixer" {
			origin[f.Sender.SSRC()] = f.From
		}
	}
	seen := func(to string, from, until time.Duration) (list []string) {
		for _, f := range sim.Flows {
			if f.From != "mixer" || f.To != to || f.Kind != endpoints.Video {
				continue
			}
			for _, p := range w.sent[f.Sender.SSRC()] {
				if len(p.head.CSRC) != 1 || origin[p.head.CSRC[0]] == to {
					t.Fatalf("a packet to %s at %v has the sources %x", to, p.at, p.head.CSRC)
				}
				if name := origin[p.head.CSRC[0]]; p.at >= simtime.At(from) && p.at < simtime.At(until) && !slices.Contains(list, name) {
					list = append(list, name)
				}
			}
		}
		slices.Sort(list)
		return list
	}
	for to, want := range map[string]string{"A": "BE", "B": "AE", "C": "AE", "D": "AE", "E": "AB", "F": "AE"} {
		if got := strings.Join(seen(to, 43*time.Second, 50*time.Second), ""); got != want {
			t.Errorf("%s sees %s, want %s", to, got, want)
		}
	}
	for _, to := range []string{"A", "F"} {
		if all := seen(to, 0, 50*time.Second); len(all) != 5 {
			t.Errorf("in all of the call %s sees %v through two streams", to, all)
		}
	}
	r := run(t, load(t, switching)[0])
	down := mean(series(t, r, "f/backward", record.Throughput)[215:])
	all := run(t, load(t, switching, "topology={type: sfm, at: M, peers: [A, B, C, D, E, F]}", "expect=[]")[0])
	if five := mean(series(t, all, "f/backward", record.Throughput)[215:]); down < 0.3*five || down > 0.5*five {
		t.Errorf("F gets %.0f bit/s, and %.0f of all five", down, five)
	}
}

// restless has speakers that change every second or so.
func restless(seconds int) string {
	names := []string{"A", "B", "C"}
	pauses := make([][]string, len(names))
	for i := range seconds {
		for k := range names {
			if i%len(names) != k {
				pauses[k] = append(pauses[k], fmt.Sprintf("%ds..%ds", i, i+1))
			}
		}
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "title: Restless speakers\nduration: %ds\nprotection: size-only\n", seconds)
	b.WriteString(`
network: {links: {a: {between: [A, M], delay: 10ms, rate: 5Mbps}, b: {between: [B, M], delay: 40ms, rate: 5Mbps}, c: {between: [C, M], delay: 90ms, rate: 5Mbps}}}
endpoints: {A: {at: A}, B: {at: B}, C: {at: C}}
topology: {type: switching-mixer, at: M, peers: [A, B, C]}
congestion: {controller: nada}
repair: {nack: true, rtx: true, refresh: fir, decoder: true}
media:
`)
	for _, name := range names {
		fmt.Fprintf(b, "  - {from: %s, kind: video, encoder: {model: perfect, max: 500kbps}}\n", name)
	}
	for k, name := range names {
		fmt.Fprintf(b, "  - {from: %s, kind: audio, pauses: [%s]}\n", name, strings.Join(pauses[k], ", "))
	}
	return b.String()
}

// Over more than a hundred switches a stream of the mixer's goes on with the next number, and
// with timestamps that advance by as much as time does: nobody sees a gap, a packet out of
// order, or a loss. After each the new source is asked for a key frame, which is there a
// round trip and some frames later.
//
// conformance: TOP-A.3.2-2, TOP-A.3.2-5
func TestMixerRewritesHeaders(t *testing.T) {
	long(t)
	t.Parallel()
	const pacing = 10 * time.Millisecond // by which packets leave later than they came
	asked := 0
	sim, w := playRTP(t, loadText(t, restless(150)), "mixer", func(e endpoints.Event) {
		if e.Kind == endpoints.RefreshRequested && e.Session.Endpoint() == "mixer" {
			asked++
		}
	})
	switches := 0
	for _, f := range sim.Flows {
		if f.From != "mixer" || f.Kind != endpoints.Video {
			continue
		}
		list := w.sent[f.Sender.SSRC()]
		for i := 1; i < len(list); i++ {
			a, b := &list[i-1], &list[i]
			ticks, since := int32(b.head.Timestamp-a.head.Timestamp), b.at.Sub(a.at)
			if b.head.SequenceNumber != a.head.SequenceNumber+1 || ticks < 0 {
				t.Fatalf("%s at %v: number %d after %d, timestamp %d later", f.Flow(), b.at, b.head.SequenceNumber, a.head.SequenceNumber, ticks)
			}
			if b.head.CSRC[0] == a.head.CSRC[0] {
				continue
			}
			switches++
			if advance := time.Duration(ticks) * time.Second / 90_000; advance < since-pacing || advance > since+pacing {
				t.Errorf("%s at %v: %v later, by timestamps %v", f.Flow(), b.at, since, advance)
			}
			if since > 600*time.Millisecond { // round trips of 20, 80 and 180 ms, and RTCP's timing rules
				t.Errorf("%s at %v: nothing was sent for %v", f.Flow(), b.at, since)
			}
		}
		for _, r := range f.Sender.Main().Reports() {
			if r.Lost != 0 {
				t.Errorf("%s: %d packets are reported lost", f.Flow(), r.Lost)
			}
		}
	}
	if switches < 100 || asked < switches/4 || asked > 2*switches {
		t.Errorf("%d switches, %d requests", switches, asked)
	}
}

// Packets name their source, and RTCP of the mixer says who that is; with sessions that are
// terminated on each leg they don't, and nobody hears of others' names.
//
// conformance: TOP-A.3.2-7
func TestMixerNamesSources(t *testing.T) {
	long(t)
	t.Parallel()
	const short = "duration=20s"
	for _, csrc := range []bool{true, false} {
		text := strings.Replace(restless(20), "peers: [A, B, C]", fmt.Sprintf("peers: [A, B, C], csrc: %v", csrc), 1)
		names, sim := watchNames(t, loadText(t, text, "protection=none"))
		named := 0
		for _, c := range sim.Connections {
			if c.Endpoint() == "mixer" {
				continue
			}
			own := c.Sessions()[0].Sections()[0].SSRC()
			if ssrcs := names.streams[c.CNAME()]; !ssrcs[own] {
				t.Errorf("%s never says its name", c.Name())
			}
			for _, o := range sim.Connections {
				if o != c && names.streams[o.CNAME()][own] {
					t.Errorf("%s's SSRC has the name of %s", c.Name(), o.Name())
				}
			}
		}
		_, w := playRTP(t, loadText(t, text, short), "mixer", nil)
		for _, list := range w.sent {
			for _, p := range list {
				named += len(p.head.CSRC)
			}
		}
		if (named > 0) != csrc {
			t.Errorf("csrc %v: %d sources are named", csrc, named)
		}
	}
}

// Between a switch and the first packet of who is seen next, SRs go on with the time of who
// was seen before: by as much as the wall-clock time is later than the last one's, the
// timestamp is.
func TestMixerReportsTime(t *testing.T) {
	sim, w := playRTP(t, loadText(t, restless(60), "protection=none"), "mixer", nil)
	for _, f := range sim.Flows {
		if f.From != "mixer" {
			continue
		}
		clock := map[endpoints.Kind]float64{endpoints.Video: 90_000, endpoints.Audio: 48_000}[f.Kind]
		list := w.srs[f.Sender.SSRC()]
		for i := 1; i < len(list); i++ {
			since := list[i].ntp.Time().Sub(list[i-1].ntp.Time()).Seconds()
			if off := float64(int32(list[i].rtp-list[i-1].rtp))/clock - since; math.Abs(off) > 0.3 {
				t.Errorf("%s at %v: %.3f s off the line", f.Flow(), list[i].at, off)
			}
		}
		if len(list) < 50 {
			t.Errorf("%s: only %d SRs", f.Flow(), len(list))
		}
	}
}

// Where nobody sends pictures a speaker who leaves doesn't keep its place either: A, who has
// never paused, is heard again.
func TestMixerDismissesSpeakers(t *testing.T) {
	const text = `
title: A speaker leaves
duration: 12s
protection: size-only
network: {links: {link<1..3>: {between: [P<n>, M], delay: 10ms, rate: 5Mbps}}}
endpoints: {A: {at: P1}, B: {at: P2, leaves: 8s}, C: {at: P3}}
topology: {type: switching-mixer, at: M, peers: [A, B, C]}
media: [{from: A, kind: audio}, {from: B, kind: audio, start: 5s}]
`
	sim, w := playRTP(t, loadText(t, text), "mixer", nil)
	heard := map[int]string{} // by C, in each second
	for _, p := range w.sent[flowOf(t, sim, "mixer/audio1>C").Sender.SSRC()] {
		for _, name := range []string{"A", "B"} {
			if f := flowOf(t, sim, name+"/audio"); p.head.CSRC[0] == f.Sender.SSRC() {
				heard[int(p.at.Duration()/time.Second)] = name
			}
		}
	}
	if heard[4] != "A" || heard[7] != "B" || heard[9] != "A" || heard[11] != "A" {
		t.Errorf("C hears %v", heard)
	}
}

// A mixer is one peer, whoever contributes to what it sends: a path that carries ECN is used
// for all packets, as between two (RFC 6679 §7.2.1). Whose streams a middlebox projects are
// peers of their own, by their names.
func TestMixerIsOnePeer(t *testing.T) {
	for _, kind := range []string{"switching-mixer", "sfm"} {
		text := strings.NewReplacer("type: switching-mixer", "type: "+kind, "controller: nada", "controller: rr-loss, feedback: ecn").Replace(restless(20))
		s := loadText(t, text)
		sim := build(t, s)
		play(t, sim, s)
		for _, c := range sim.Connections {
			if c.Endpoint() == "A" || c.Endpoint() == "B" || c.Endpoint() == "C" {
				state, _ := c.Sessions()[0].ECN()
				if used := state == ecn.InUse; used != (kind == "switching-mixer") {
					t.Errorf("%s: %s is %v", kind, c.Name(), state)
				}
			}
		}
	}
}

// Who speaks without a camera takes nobody's picture away: the latest of those who have one
// are seen.
func TestSpeakerWithoutCamera(t *testing.T) {
	for _, kind := range []string{"switching-mixer", "sfm"} {
		text := "title: C has no camera\nduration: 15s\nprotection: size-only\n" + `
network: {links: {a: {between: [A, M], delay: 10ms, rate: 5Mbps}, b: {between: [B, M], delay: 10ms, rate: 5Mbps}, c: {between: [C, M], delay: 10ms, rate: 5Mbps}}}
endpoints: {A: {at: A}, B: {at: B}, C: {at: C}}
topology: {type: ` + kind + `, at: M, peers: [A, B, C], last-n: 1}
congestion: {controller: fixed}
repair: {refresh: pli, decoder: true}
media:
  - {from: A, kind: video, encoder: {max: 500kbps}}
  - {from: B, kind: video, encoder: {max: 500kbps}}
  - {from: A, kind: audio, pauses: [0s..1s, 3s..15s]}
  - {from: B, kind: audio, pauses: [2s..15s]}
  - {from: C, kind: audio, pauses: [0s..6s]}
`
		s := loadText(t, text)
		sim := build(t, s)
		frames := map[string]int{}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.FrameRendered && e.Section.Kind() == endpoints.Video && e.Session.Endpoint() != s.Topology.Box() && e.At >= simtime.At(8*time.Second) {
				frames[e.Session.Endpoint()]++
			}
		})
		play(t, sim, s)
		for _, name := range []string{"A", "B", "C"} {
			if frames[name] < 180 {
				t.Errorf("%s: %s has seen %d frames in 7 s while C speaks", kind, name, frames[name])
			}
		}
	}
}
