package runner_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

var (
	conferences     = flag.Int("conferences", 60, "number of random conferences of TestConferenceSwarm")
	firstConference = flag.Uint64("first-conference", 0, "seed of the first of them")
)

// What becomes of a conference in the swarm: links do what they like until healed; from
// recovered on everybody has to be seen and heard by whoever is to.
const (
	healed    = 10 * time.Second
	calm      = 30 * time.Second // nothing has been lost for long
	recovered = 48 * time.Second // rr-loss takes so long to find room for five videos again
	ended     = 55 * time.Second
)

// TestConferenceSwarm runs random conferences of every topology over links that lose, reorder,
// repeat and fail. Nothing panics, every packet is accounted for (checked inside), nobody
// reports a loss that hasn't happened, and all streams that are to be there have come back when
// links have healed.
func TestConferenceSwarm(t *testing.T) {
	n := uint64(*conferences)
	if testing.Short() {
		n = min(n, 15)
	}
	for seed := *firstConference; seed < *firstConference+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			text := withKeyHost(joint(cascaded(guarded(randomConference(seed), seed), seed), seed), seed)
			t.Logf("replay: go test ./scenarios/runner -run TestConferenceSwarm -conferences 1 -first-conference %d\n%s", seed, text)
			watchConference(t, text)
		})
	}
}

// Calls of the swarm that have shown what others hadn't.
func TestConferencesOfNote(t *testing.T) {
	long(t)
	t.Parallel()
	for seed, shows := range map[uint64]string{
		611:  "with half of its rate in use a leg doesn't learn that it bears the streams that are suspended",
		1257: "padding of a source comes late",
	} {
		// All of a picture goes, or nothing.
		text := strings.ReplaceAll(randomConference(seed), "layers: 3", "layers: 1")
		t.Run(shows, func(t *testing.T) { watchConference(t, text) })
	}
}

func watchConference(t *testing.T, text string) {
	t.Helper()
	s := loadText(t, text)
	sim := build(t, s)
	w := &dropWatch{Observer: fabric.Nobody, lost: map[uint32]int64{}}
	sim.Fabric.Observe(w)
	shown := map[*endpoints.Section]int{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.FrameRendered && e.At >= simtime.At(recovered) {
			shown[e.Section]++
		}
	})
	if err := sim.Run(t.Context(), simtime.At(calm)); err != nil {
		t.Fatal(err)
	}
	earlier := map[*endpoints.Stream]map[uint32]int64{} // what was reported lost, by the reporter
	for _, f := range sim.Flows {
		main := f.Sender.Main()
		earlier[main] = map[uint32]int64{}
		for _, r := range main.Reports() {
			earlier[main][r.By] = int64(r.Lost)
		}
	}
	play(t, sim, s)
	// Of 210 pictures and 350 frames of audio everybody gets as many. NADA takes what comes out of
	// order for lost, and its pacer may keep more than half of the pictures back then. Of those with
	// temporal layers a quarter is the least that an SFM sends.
	least := map[endpoints.Kind]int{endpoints.Video: 105, endpoints.Audio: 330}
	if strings.Contains(text, "nada") && strings.Contains(text, "reordering") {
		least[endpoints.Video] = 80
	}
	const lowest = 40
	some := map[string][]bool{} // of each kind at each end, whether streams were there
	for _, f := range sim.Flows {
		to := f.Receiver.Session().Endpoint()
		if s.Topology.Stands(to) {
			continue // what others do with it shows
		}
		enough := least[f.Receiver.Kind()]
		if s.Topology.Type == scenarios.SFM && f.Video.Layers > 1 {
			enough = lowest
		}
		there := shown[f.Receiver] >= enough
		if s.Topology.Shown() > 0 || s.Topology.Loudest > 0 { // not all are
			key := fmt.Sprint(f.Receiver.Kind(), " at ", to)
			some[key] = append(some[key], there)
		} else if !there {
			t.Errorf("%s: %d frames from %v on", f.Flow(), shown[f.Receiver], recovered)
		}
	}
	for key, there := range some {
		if !slices.Contains(there, true) {
			t.Errorf("none of %d streams of kind %s from %v on", len(there), key, recovered)
		}
	}
	// A packet or two may be out of order when a report is made, but not each time.
	out := int64(0)
	if strings.Contains(text, "reordering") {
		out = 2
	}
	for _, f := range sim.Flows {
		lost := w.lostOf(sim, &s.Topology, f)
		for _, r := range f.Sender.Main().Reports() {
			always := min(int64(r.Lost), earlier[f.Sender.Main()][r.By])
			if int64(r.Lost) > lost+out || always > lost {
				t.Errorf("%s: %d packets are reported lost, and the network has lost %d", f.Flow(), r.Lost, lost)
			}
		}
	}
}

// randomConference returns a scenario.
func randomConference(seed uint64) string {
	r := rng.New(seed).Stream("conference swarm")
	kind := []string{"mesh", "mixer", "switching-mixer", "sfm", "relay", "gateway", "transcoder"}[r.Uint64()%7]
	peers := 2 + int(r.Uint64()%4)
	if kind == "gateway" || kind == "transcoder" {
		peers = 2
	}
	pick := func(options ...string) string { return options[r.Uint64()%uint64(len(options))] }
	var links, ends, names, media []string
	for i := range peers {
		name := string(rune('A' + i))
		names = append(names, name)
		links = append(links, fmt.Sprintf("    %s: {between: [%s, M], delay: %s, forward: {rate: 20Mbps%s}, backward: {rate: 20Mbps%s}}",
			strings.ToLower(name), name, pick("5ms", "20ms", "80ms"), trouble(r), trouble(r)))
		end := "{at: " + name + "}"
		if kind == "gateway" && i == 1 {
			end = pick("{at: B}", "{at: B, protection: none}", "{at: B, type: legacy-avp, protection: none}", "{at: B, type: legacy-avpf}")
		}
		ends = append(ends, name+": "+end)
		audio := "rate: 32kbps"
		if kind == "mixer" || kind == "transcoder" {
			audio = "speech: {codec: " + pick("pcmu", "pcma", "dvi4") + ", activity: always}"
		}
		if r.Bool(0.7) {
			media = append(media, fmt.Sprintf("  - {from: %s, kind: video, encoder: {max: 500kbps, layers: %s}}", name, pick("1", "1", "3")))
		}
		media = append(media, fmt.Sprintf("  - {from: %s, kind: audio, %s}", name, audio))
	}
	topology := "type: " + kind
	if kind != "mesh" {
		topology += ", at: M"
	}
	switch kind {
	case "mesh":
		topology += pick("", ", encoders: shared")
	case "mixer":
		topology += pick("", ", loudest: 1", ", loudest: 2", ", csrc: false", ", layout: speaker")
	case "sfm":
		topology += pick("", ", last-n: 1")
	case "switching-mixer":
		topology += pick("", ", last-n: 2", ", csrc: false")
	case "relay":
		topology += pick("", ", bind: true", ", keys: own")
	}
	if kind != "relay" {
		topology += pick("", ", sessions: per-kind")
	}
	control := pick("fixed, feedback: rfc8888", "nada, feedback: rfc8888", "gcc, feedback: twcc", "rr-loss, feedback: none")
	if kind == "relay" {
		control = pick("fixed, feedback: none", "nada, feedback: rfc8888", "rr-loss, feedback: none")
	}
	repair := pick("{nack: true, rtx: true, refresh: pli, decoder: true}", "{nack: true, rtx: true, refresh: fir, decoder: true}", "{refresh: pli, decoder: true}")
	if kind == "relay" {
		repair = "{refresh: pli, decoder: true}"
	}
	if kind == "gateway" { // RFC 3551's profile has none of it
		repair = "{decoder: true}"
		for i := range media {
			media[i] = strings.Replace(media[i], "max: 500kbps", "max: 500kbps, key-interval: 1s", 1)
		}
	}
	extensions := pick("[]", "[audio-level]", "[audio-level, mixer-audio-level]", "[audio-level, ntp-64]")
	text := fmt.Sprintf("title: A random conference\nduration: %v\nseed: %d\nprotection: %s\nnetwork:\n  links:\n%s\nendpoints: {%s}\ntopology: {%s, peers: [%s]}\nmedia:\n%s\ncongestion: {controller: %s}\nrepair: %s\nextensions: %s\n",
		ended, seed, pick("size-only", "size-only", "full", "none"), strings.Join(links, "\n"), strings.Join(ends, ", "), topology, strings.Join(names, ", "), strings.Join(media, "\n"), control, repair, extensions)
	if strings.Contains(topology, "keys: own") {
		text = strings.Replace(text, "protection: none", "protection: full", 1)
	}
	return text
}

// withKeyHost lets the peers of half of the relays with keys of their own get the group's from a key host.
func withKeyHost(text string, seed uint64) string {
	if seed%2 > 0 || strings.Contains(text, "cascade: {") {
		return text
	}
	return strings.Replace(text, "keys: own", "keys: own, key-host: M", 1)
}

// joint gives the peers of some meshes one session, with what works there.
func joint(text string, seed uint64) string {
	if seed%3 > 0 || !strings.Contains(text, "{type: mesh, peers") {
		return text
	}
	text = strings.Replace(text, "{type: mesh", "{type: mesh, joint: true", 1)
	text = strings.Replace(text, "gcc, feedback: twcc", "nada, feedback: rfc8888", 1)
	return strings.Replace(text, "nack: true, rtx: true, ", "", 1)
}

// guarded lets some conferences behind an SFM have FEC.
func guarded(text string, seed uint64) string {
	if !strings.Contains(text, "type: sfm") || rng.New(seed).Stream("fec swarm").Bool(0.7) {
		return text
	}
	return strings.ReplaceAll(text, "kind: video, ", "kind: video, fec: {type: flexfec, overhead: 20%}, ")
}

// cascaded gives the peers of every other conference with a mixer, an SFM or a relay two or three of
// them, in a chain or, where that is allowed, in a circle.
func cascaded(text string, seed uint64) string {
	r := rng.New(seed).Stream("cascade swarm")
	_, list, found := strings.Cut(text, ", at: M, ")
	composed := strings.Contains(text, "type: mixer") && strings.Contains(text, "kind: video")
	if !found || composed || strings.Contains(text, "type: switching-mixer") || strings.Contains(text, "type: gateway") || strings.Contains(text, "type: transcoder") || r.Bool(0.5) {
		return text
	}
	_, list, _ = strings.Cut(list, "peers: [")
	list, _, _ = strings.Cut(list, "]")
	names := strings.Split(list, ", ")
	n := 2 + int(r.Uint64()%2)
	var boxes, trunks, links []string
	for i := range n {
		var peers []string
		for k, name := range names {
			if k%n == i {
				peers = append(peers, name)
				text = strings.Replace(text, fmt.Sprintf("[%s, M]", name), fmt.Sprintf("[%s, M%d]", name, i), 1)
			}
		}
		boxes = append(boxes, fmt.Sprintf("box%d: {at: M%d, peers: [%s]}", i, i, strings.Join(peers, ", ")))
		if next := (i + 1) % n; next > i || !strings.Contains(text, "csrc: false") && !strings.Contains(text, "type: sfm") && n > 2 && r.Bool(0.5) {
			trunks = append(trunks, fmt.Sprintf("[box%d, box%d]", i, next))
			links = append(links, fmt.Sprintf("    trunk%d: {between: [M%d, M%d], delay: %dms, forward: {rate: 20Mbps%s}, backward: {rate: 20Mbps%s}}\n",
				i, i, next, 5+20*(r.Uint64()%3), trouble(r), trouble(r)))
		}
	}
	text = strings.Replace(text, ", at: M", "", 1)
	text = strings.Replace(text, "peers: ["+list+"]", fmt.Sprintf("cascade: {%s}, trunks: [%s]", strings.Join(boxes, ", "), strings.Join(trunks, ", ")), 1)
	return strings.Replace(text, "endpoints: {", strings.Join(links, "")+"endpoints: {", 1)
}

// trouble returns what a link does: it loses bursts and fails until it is healed, and
// reorders and repeats a few packets for good.
func trouble(r *rng.Stream) string {
	var list []string
	if r.Bool(0.6) {
		var lost []string
		for next := 15 + r.Uint64()%20; next < 400; next += 1 + r.Uint64()%60 { // handshakes take minutes if unlucky
			for range 1 + r.Uint64()%4 {
				next++
				lost = append(lost, fmt.Sprint(next))
			}
		}
		list = append(list, "{type: positions, packets: ["+strings.Join(lost, ", ")+"]}")
	}
	if r.Bool(0.4) {
		list = append(list, "{type: outage, during: [2s..4s, 9s..10s]}")
	}
	if r.Bool(0.3) {
		list = append(list, "{type: duplication, probability: 1%}")
	}
	if r.Bool(0.3) {
		list = append(list, "{type: reordering, probability: 1%, delay: 10ms}")
	}
	if list == nil {
		return ""
	}
	return ", impairments: [" + strings.Join(list, ", ") + "]"
}
