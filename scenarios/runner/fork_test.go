package runner_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// Nobody sends media before the device has accepted, however warm the line is; checks, handshakes and RTCP go.
//
// conformance: FRK-1
func TestNoEarlyMedia(t *testing.T) {
	for _, warmth := range []string{"none", "ice", "dtls", "media"} {
		r, tap := forkedRun(t, "{warm-up: "+warmth+", devices: {desktop: {accepts: 5s}}}")
		accepted, agreed := firstEvent(r, "desktop", record.OfferAccepted), firstEvent(r, "alice", record.OfferAgreed)
		if math.IsNaN(accepted) || math.IsNaN(agreed) {
			t.Fatalf("%s: nobody talks: %v", warmth, r.Events)
		}
		for i, device := range forkedDevices {
			if n := tap.count("rtp", device, "alice", 0, accepted) + tap.count("rtp", "alice", device, 0, agreed); n > 0 {
				t.Errorf("%s: %d packets of media between alice and %s before somebody has accepted", warmth, n, device)
			}
			if n := tap.count("rtp", device, "alice", accepted, 12) + tap.count("rtp", "alice", device, agreed, 12); (n > 0) != (i == 0) {
				t.Errorf("%s: %d packets of media between alice and %s after that", warmth, n, device)
			}
			for kind, from := range map[string]string{"check": "ice dtls media", "handshake": "dtls media", "rtcp": "dtls media"} {
				if n := tap.count(kind, device, "alice", 0, accepted); (n > 0) != strings.Contains(from, warmth) {
					t.Errorf("%s: %s sends %d of %s before somebody has accepted", warmth, device, n, kind)
				}
			}
		}
	}
}

// Of a warm line media may come before the ACCEPT, which goes a longer way. They are played.
//
// conformance: FRK-2, FRK-0.7
func TestMediaOvertakeAccept(t *testing.T) {
	r, _ := forkedRun(t, "{devices: {desktop: {accepts: 5s}}}")
	accepted, agreed, played := firstEvent(r, "desktop", record.OfferAccepted), firstEvent(r, "alice", record.OfferAgreed), firstEvent(r, "desktop/audio>alice", record.FirstFrame)
	if !(agreed > accepted+0.1) || !(played < agreed) {
		t.Errorf("accepted at %.3f s, played at %.3f s, known at %.3f s", accepted, played, agreed)
	}
	for _, flow := range []string{"desktop/audio>alice", "alice/audio>desktop", "desktop/video>alice", "alice/video>desktop"} {
		if c := clipped(r, flow); !(c <= 34) { // a picture
			t.Errorf("%s loses %v ms", flow, c)
		}
	}
	for _, c := range r.Find("desktop/audio>alice", record.LostPackets).Values {
		if c > 0 {
			t.Errorf("%v packets are lost", c)
		}
	}
}

// An answer that takes another one's place changes what is sent, over the same line. One of another address makes the line anew,
// which takes as long as making it took.
//
// conformance: FRK-3, FRK-0.6
func TestReplacedAnswers(t *testing.T) {
	const replaced = "{devices: {desktop: {accepts: 5s, replaces: [{after: %s, sends: [audio], moves: %t}]}}}"
	quiet, tap := forkedRun(t, fmt.Sprintf(replaced, "3s", false))
	if n := tap.count("handshake", "desktop", "alice", 4, 12); n > 0 {
		t.Errorf("%d packets of a handshake after another answer with the same address", n)
	}
	moved, tap := forkedRun(t, fmt.Sprintf(replaced, "3s", true))
	if n := tap.count("handshake", "desktop", "alice", 4, 5); n == 0 {
		t.Error("no handshake at another address")
	}
	if n := len(tap.fragments("desktop")); n != 2 {
		t.Errorf("the desktop has had %d fragments", n)
	}
	late, tap := forkedRun(t, fmt.Sprintf(replaced, "5s", true))
	accepted := firstEvent(late, "desktop", record.OfferAccepted)
	if n := tap.count("rtp", "desktop", "alice", 0, accepted+0.4) + tap.count("rtp", "alice", "desktop", 0, accepted+0.35); n > 0 {
		t.Errorf("%d packets of media before there are keys at another address", n)
	}
	// RTCP knows the other end at its new address, and reports on it. Media that went early go on when there are keys there.
	early, tap := forkedRun(t, "{devices: {desktop: {accepts: 5s, early: true, replaces: [{after: 3s, sends: [audio], moves: true}]}}}")
	for name, r := range map[string]*record.Record{"moved": moved, "late": late, "early": early} {
		for _, e := range r.Events {
			if e.Kind == "third-party-loop" || e.Kind == "third-party-collision" {
				t.Fatalf("%s: %v", name, e)
			}
		}
		rtt := r.Find("alice-desktop", record.RTT).Values
		if last := rtt[len(rtt)-1]; math.Abs(last-101) > 5 {
			t.Errorf("%s: a round trip of %v ms", name, last)
		}
	}
	keys := 0.0
	for _, e := range early.Events {
		if e.Kind == "keys-agreed" && e.Entity == "desktop" {
			keys = e.At.Seconds()
		}
	}
	if n := tap.count("rtp", "desktop", "alice", 4.2, keys); n > 0 || !(keys > 4.3) {
		t.Errorf("%d packets of media from when the desktop moves until it has keys at %.3f s", n, keys)
	}
	if n := tap.count("rtp", "desktop", "alice", keys, 6); n < 50 {
		t.Errorf("%d packets of early media after that", n)
	}
	for name, x := range map[string]struct {
		r                  *record.Record
		toDesktop, toAlice float64 // ms that are lost
	}{
		"the same address": {quiet, 0, 0}, "another one in time": {moved, 0, 0},
		// As ANSWER and ACCEPT come together: alice checks, and nominates, for 200 ms; the handshake takes 150 ms until she has keys,
		// and 200 ms until the desktop, which has heard of the nomination 50 ms before alice knows that it has worked, has.
		"another one too late": {late, 300, 450},
	} {
		if a, d := clipped(x.r, "desktop/audio>alice"), clipped(x.r, "alice/audio>desktop"); math.Abs(a-x.toAlice) > 25 || math.Abs(d-x.toDesktop) > 25 {
			t.Errorf("%s: alice loses %v ms, the desktop %v ms", name, a, d)
		}
		for _, flow := range []string{"desktop/video>alice", "alice/video>desktop"} {
			if sends(x.r, flow) > 0 {
				t.Errorf("%s: %s goes, though what was accepted has no video", name, flow)
			}
		}
	}
}

// Lines are made on answers, on ACCEPT, or some of them. A codec that isn't started early costs its start.
//
// conformance: FRK-4
func TestLinesThatAreMade(t *testing.T) {
	long(t)
	for fork, want := range map[string]float64{"warm-up: none": 1, "warm-up: ice": 3, "warm-up: ice, limit: 2": 2, "limit: 1": 1} {
		r, _ := forkedRun(t, "{"+fork+", devices: {tablet: {processing: 1s}, phone: {processing: 2s}, desktop: {accepts: 5s}}}")
		n := 0.0
		for _, e := range r.Events {
			if e.Kind == record.LineOpened {
				n++
			}
		}
		if n != want || clipped(r, "desktop/audio>alice") > 550 {
			t.Errorf("%s: %v lines, and %v ms are lost", fork, n, clipped(r, "desktop/audio>alice"))
		}
	}
	for start, want := range map[string]float64{"0s": 0, "50ms": 50, "120ms": 120} {
		r, _ := forkedRun(t, "{warm-up: dtls, codec-start: "+start+", devices: {desktop: {accepts: 5s}}}")
		if c := clipped(r, "desktop/audio>alice"); c != want {
			t.Errorf("a codec that takes %s to start loses %v ms", start, c)
		}
	}
}

// Lines that aren't wanted are closed, and then nothing goes there any more.
//
// conformance: FRK-5
func TestUnusedLinesAreClosed(t *testing.T) {
	r, tap := forkedRun(t, "{closes: 7s, devices: {desktop: {accepts: 3s}, phone: {accepts: 3050ms}}}")
	agreed := firstEvent(r, "alice", record.OfferAgreed)
	closed := map[string]float64{}
	for _, e := range r.Events {
		if e.Kind == record.LineClosed {
			closed[e.Peer] = e.At.Seconds() - agreed
		}
	}
	if len(closed) != 2 || math.Abs(closed["phone"]-0.05) > 0.02 || math.Abs(closed["tablet"]-7) > 0.001 {
		t.Errorf("closed %v after the decision", closed)
	}
	for _, device := range []string{"tablet", "phone"} {
		end := agreed + closed[device]
		for _, kind := range []string{"rtp", "rtcp", "check", "handshake"} {
			if n := tap.count(kind, "alice", device, end+0.01, 12) + tap.count(kind, device, "alice", end+0.2, 12); n > 0 {
				t.Errorf("%d packets of %s after the line to %s was closed", n, kind, device)
			}
		}
	}
	if n := tap.count("rtp", "alice", "phone", 0, 12); n > 0 {
		t.Errorf("%d packets of media to a phone that came too late", n)
	}
	if n := tap.count("check", "alice", "tablet", agreed, agreed+7); n == 0 {
		t.Error("a line that isn't closed yet doesn't ask for consent") // once in 4 to 6 s
	}
}

// The device is ready to receive before it says ACCEPT, and sends media after that.
//
// conformance: FRK-6
func TestReadyBeforeAccept(t *testing.T) {
	for _, warmth := range []string{"ice", "dtls", "media"} {
		r, tap := forkedRun(t, "{warm-up: "+warmth+", devices: {desktop: {accepts: 5s}}}")
		ready, accepted, sends := firstEvent(r, "desktop", "keys-agreed"), firstEvent(r, "desktop", record.OfferAccepted), tap.first("rtp", "desktop", "alice")
		if warmth == "ice" { // what it is ready for is the handshake
			ready = tap.first("check", "desktop", "alice")
		}
		if !(ready <= accepted && accepted <= sends) {
			t.Errorf("%s: ready at %.3f s, accepted at %.3f s, media at %.3f s", warmth, ready, accepted, sends)
		}
	}
	// A cold line is ready for checks, too: the first of alice's is answered, and isn't sent again.
	_, tap := forkedRun(t, "{warm-up: none, devices: {desktop: {accepts: 5s}}}")
	if n := tap.count("check", "alice", "desktop", 0, 6.5); n > 4 { // a check, an answer, a nomination and perhaps its answer
		t.Errorf("alice sends %d messages of STUN", n)
	}
}

// A server that hands one answer on costs what making the line costs, and lines that were warm cost nothing.
//
// conformance: FRK-0.5
func TestServerThatPicksTheAnswer(t *testing.T) {
	all, _ := forkedRun(t, "{answers: all, devices: {desktop: {accepts: 5s}}}")
	one, _ := forkedRun(t, "{answers: accepted, devices: {desktop: {accepts: 5s}}}")
	for _, flow := range []string{"desktop/audio>alice", "alice/audio>desktop"} {
		want := 300.0 // as in docs/experiments/clipping.md, but for codecs, which are warm
		if strings.HasPrefix(flow, "desktop") {
			want = 450
		}
		if a, o := clipped(all, flow), clipped(one, flow); a != 0 || math.Abs(o-want) > 10 {
			t.Errorf("%s loses %v ms with all answers, %v ms with one", flow, a, o)
		}
	}
}

// Ringing costs a request for consent in 4 to 6 s for each warm line, of which there may be a limit, and the start loses nothing.
//
// conformance: FRK-9
func TestWarmUpOfManyDevices(t *testing.T) {
	const n = 10
	for _, limit := range []int{0, 3} {
		text := "title: x\nduration: 30s\nnetwork:\n  links:\n    a: {between: [A, M], rate: 100Mbps, delay: 25ms}\n"
		ends, peers, media, names := "endpoints: {alice: {at: A}", "alice", "media:\n  - {from: alice, kind: audio}\n", []string{"alice"}
		for i := range n {
			name := fmt.Sprintf("d%d", i)
			text += fmt.Sprintf("    l%d: {between: [M, N%d], rate: 100Mbps, delay: 25ms}\n", i, i)
			ends += fmt.Sprintf(", %s: {at: N%d}", name, i)
			peers, names = peers+", "+name, append(names, name)
			media += "  - {from: " + name + ", kind: audio}\n"
		}
		text += ends + "}\ntopology: {type: fork, peers: [" + peers + "]}\nsecurity: {ice: full}\ncongestion: {controller: fixed}\n" + media
		text += fmt.Sprintf("signalling: {at: M, offers: [{by: alice}], fork: {limit: %d, devices: {d0: {accepts: 25s}}}}\n", limit)
		tap := tapOf(names...)
		r := runWatched(t, text, tap)
		if c := clipped(r, "d0/audio>alice"); c != 0 {
			t.Errorf("limit %d: %v ms are lost", limit, c)
		}
		warm, checks := n, 0.0
		if limit > 0 {
			warm = limit
		}
		for _, d := range names[1:] {
			checks += float64(tap.count("check", "alice", d, 5, 25)+tap.count("check", d, "alice", 5, 25)) / 20
		}
		// Of each end a request, and an answer to the other one's: 4 messages in 5 s, give or take 20 %.
		if want := 0.8 * float64(warm); checks < 0.8*want || checks > 1.2*want+0.1 {
			t.Errorf("limit %d: %.2f messages of STUN a second, not %.1f", limit, checks, want)
		}
	}
}

// Somebody there may consent to media before the call is accepted, or there is an announcement. It is played, and what the
// caller says stays with her. Without consent there is none.
//
// conformance: FRK-N1
func TestEarlyMediaWithConsent(t *testing.T) {
	r, tap := forkedRun(t, "{devices: {desktop: {accepts: 5s, early: true}}}")
	accepted, agreed := firstEvent(r, "desktop", record.OfferAccepted), firstEvent(r, "alice", record.OfferAgreed)
	if played := firstEvent(r, "desktop/audio>alice", record.FirstFrame); !(played < 2) {
		t.Errorf("early media are played from %.3f s on", played)
	}
	if n := tap.count("rtp", "desktop", "alice", 0, accepted); n < 100 {
		t.Errorf("%d packets of early media", n)
	}
	if n := tap.count("rtp", "alice", "desktop", 0, agreed); n > 0 {
		t.Errorf("alice sends %d packets before she knows that somebody has accepted", n)
	}
	for _, device := range []string{"tablet", "phone"} {
		if n := tap.count("rtp", device, "alice", 0, 12); n > 0 {
			t.Errorf("%s sends %d packets without consent", device, n)
		}
	}
}

// A gateway's announcement is heard before the call is accepted, and a key that it asks for gets there. Nothing that the caller says
// does.
//
// conformance: FRK-N2
func TestEarlyMediaOfGateway(t *testing.T) {
	text := strings.ReplaceAll(forkedCall, "{from: alice, kind: audio}", "{from: alice, kind: audio, speech: {codec: pcmu, activity: always}}")
	text = strings.ReplaceAll(text, "{from: phone, kind: audio}", "{from: phone, kind: audio, speech: {codec: pcmu, activity: always}}")
	for keys, accepts := range map[string]bool{"5": true, "7": false} {
		tap := tapOf("alice", "desktop", "tablet", "phone")
		r := runWatched(t, text+"  fork: {keys: [{at: 4s, to: phone, keys: \""+keys+"\"}], devices: {phone: {early: true, accepts-on: \"56\"}}}\n", tap)
		accepted, agreed := nanToInf(firstEvent(r, "phone", record.OfferAccepted)), nanToInf(firstEvent(r, "alice", record.OfferAgreed))
		if played := firstEvent(r, "phone/audio>alice", record.FirstFrame); !(played < 2) {
			t.Errorf("key %s: the announcement is heard from %.3f s on", keys, played)
		}
		heard := firstEvent(r, "alice/audio>phone", record.DigitReceived)
		if !(heard > 4.1 && heard < 4.3) || (accepted == heard) != accepts || accepts && !(agreed < heard+0.2) {
			t.Errorf("key %s: heard at %.3f s, accepted at %.3f s, agreed at %.3f s", keys, heard, accepted, agreed)
		}
		for _, p := range tap.media {
			before := p.at.Seconds() < agreed
			if p.from == "alice" && before && p.payloadType != 126 {
				t.Fatalf("key %s: alice sends payload type %d at %v, and agreed at %.3f s", keys, p.payloadType, p.at, agreed)
			}
		}
		if accepts {
			if c := clipped(r, "alice/audio>phone"); !(c < 20) { // a frame
				t.Errorf("%v ms of what alice says are lost", c)
			}
		} else if n := tap.count("rtp", "alice", "phone", 5, 12); n > 0 {
			t.Errorf("alice sends %d packets after the key", n)
		}
	}
}

// Legacy endpoints take part by gateways only.
//
// conformance: FRK-10
func TestForkToLegacyEndpoint(t *testing.T) {
	text := strings.Replace(forkedCall, "phone: {at: P}", "phone: {at: P, type: legacy-avp}", 1)
	_, err := scenarios.Parse("fork.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err == nil || !strings.Contains(err.Error(), "descriptions are of endpoints as WebRTC has them") {
		t.Error(err)
	}
}

// All lines of the caller are on one port, with the credentials and SSRCs of the one offer, and are told apart by who sends: where one
// of them fails the others don't mind.
//
// conformance: CLN-5, CLN-8
func TestLinesShareOnePort(t *testing.T) {
	text := strings.Replace(forkedCall, "tablet: {between: [M, T], rate: 100Mbps, delay: 25ms}",
		"tablet: {between: [M, T], rate: 100Mbps, delay: 25ms, backward: {impairments: [{type: outage, during: [1190ms..100s]}]}}", 1)
	text = strings.Replace(text, "duration: 12s", "duration: 60s", 1)
	o := tapOf("alice", "desktop", "tablet", "phone")
	r := runWatched(t, text+"  fork: {devices: {desktop: {accepts: 50s}}}\n", o)
	offer, fragments, ssrcs := "", o.fragments("alice"), map[string]bool{}
	for _, m := range r.Messages {
		if strings.HasPrefix(m.Title, "OFFER") {
			offer = m.Text
		}
	}
	for _, p := range o.sent {
		if p.from == "alice" && p.port != 49152 || p.to == "alice" && p.toPort != 49152 {
			t.Fatalf("a packet %+v", p)
		}
		if p.from == "alice" && p.kind == "rtp" {
			ssrcs[fmt.Sprint(p.ssrc)] = true
		}
	}
	if len(fragments) != 1 || len(ssrcs) != 2 {
		t.Errorf("fragments %v, SSRCs %v", fragments, ssrcs)
	}
	for _, fragment := range fragments {
		if !strings.Contains(offer, "a=ice-ufrag:"+fragment) {
			t.Errorf("fragment %s isn't in the offer", fragment)
		}
	}
	for ssrc := range ssrcs {
		if !strings.Contains(offer, "a=ssrc:"+ssrc+" cname:") {
			t.Errorf("SSRC %s isn't in the offer", ssrc)
		}
	}
	f, err := scenarios.Parse("fork.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	config, err := runner.Config(f.Runs[0].Scenario)
	if err != nil {
		t.Fatal(err)
	}
	sim, err := topologies.Build(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range sim.Connections {
		if c.Endpoint() == "alice" && !strings.Contains(offer, " cname:"+c.CNAME()+"\\r\\n") {
			t.Errorf("CNAME %s isn't in the offer", c.CNAME())
		}
	}
	if failed := firstEvent(r, "alice", "keying-failed"); !(failed < 45) {
		t.Errorf("the line to the tablet fails at %.3f s", failed)
	}
	if c := clipped(r, "desktop/audio>alice"); c != 0 {
		t.Errorf("the line to the desktop loses %v ms", c)
	}
}

// Beside captures are the keys of a line before it has moved, too.
func TestKeysOfMovedLine(t *testing.T) {
	text := forkedCall + "  fork: {devices: {desktop: {accepts: 5s, early: true, replaces: [{after: 3s, sends: [audio], moves: true}]}}}\n"
	f, err := scenarios.Parse("fork.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := runner.Run(t.Context(), f.Runs[0], runner.Options{CaptureDir: dir, CaptureFormat: capture.RawIP}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"srtp-keys.txt": 1 + 2*4, "dtls-keylog.txt": 4} { // three lines, and one of them twice
		b, err := os.ReadFile(filepath.Join(dir, file))
		if n := strings.Count(string(b), "\n"); err != nil || n != want {
			t.Errorf("%s has %d lines, not %d, %v:\n%s", file, n, want, err, b)
		}
	}
}

// What a scenario says of a fork has an effect.
func TestForkOptions(t *testing.T) {
	long(t)
	t.Parallel()
	const devices = "devices: {desktop: {accepts: 3s}, tablet: {accepts: 3500ms}, phone: {answers: false}}"
	chosen := func(fork string) string {
		r, _ := forkedRun(t, "{"+fork+"}")
		for _, e := range r.Events {
			if e.Kind == record.OfferAgreed {
				return e.Peer
			}
		}
		return ""
	}
	for fork, want := range map[string]string{
		devices: "desktop", "choose: last, decides: 1s, " + devices: "tablet", "choose: last, decides: 100ms, " + devices: "desktop",
		"choose: best, prefers: [tablet], decides: 1s, " + devices: "tablet", "choose: best, prefers: [phone, desktop], decides: 1s, " + devices: "desktop",
	} {
		if got := chosen(fork); got != want {
			t.Errorf("%s: alice talks to %s, not %s", fork, got, want)
		}
	}
	rings := func(fork string) (last float64) {
		r, _ := forkedRun(t, "{"+fork+"}")
		for _, m := range r.Messages {
			if m.From == "server" && m.To == "phone" && strings.HasPrefix(m.Title, "OFFER") {
				last = m.Sent.Seconds()
			}
		}
		return last
	}
	if together, turn := rings("devices: {}"), rings("rings: 2s, devices: {}"); together > 1.2 || turn < 5 {
		t.Errorf("the phone rings at %.3f s, and in its turn at %.3f s", together, turn)
	}
	stops := func(fork string) float64 {
		r, _ := forkedRun(t, "{"+fork+"}")
		return firstEvent(r, "phone", "offer-given-up")
	}
	if stops(devices) > 5 || !math.IsNaN(stops("keep-ringing: true, "+devices)) {
		t.Error("a phone that hasn't answered doesn't stop when another device has accepted, or stops when it is to go on")
	}
}

// Who answers first gets the peer connection that has offered, each other device a clone, whenever that is made. It costs no
// time, whenever that is.
//
// conformance: CLN-14, CLN-15
func TestClonesServeDevicesInTurn(t *testing.T) {
	var first [2]string
	for i, clones := range []string{"early", "late"} {
		r, _ := forkedRun(t, "{clones: "+clones+", devices: {tablet: {processing: 200ms, accepts: 8s}, desktop: {processing: 1s}, phone: {processing: 500ms}}}")
		var served, made []string
		for _, e := range r.Events {
			if e.Kind == "connection-cloned" {
				made = append(made, fmt.Sprintf("%.1f", e.At.Seconds()))
			}
			if e.Kind == record.LineOpened {
				served = append(served, e.Peer+e.Detail[strings.LastIndex(e.Detail, ":"):])
			}
		}
		if want := []string{"tablet: alice", "phone: alice-1", "desktop: alice-2"}; !slices.Equal(served, want) {
			t.Errorf("%s: %q, not %q", clones, served, want)
		}
		if want := [][]string{{"1.0", "1.0"}, {"1.7", "2.2"}}[i]; !slices.Equal(made, want) {
			t.Errorf("%s: clones are made at %v s, not %v", clones, made, want)
		}
		for _, e := range r.Events {
			if e.Kind == "keys-agreed" || e.Kind == record.FirstFrame {
				first[i] += fmt.Sprintln(e.At, e.Entity)
			}
		}
	}
	if first[0] != first[1] {
		t.Errorf("early:\n%slate:\n%s", first[0], first[1])
	}
}

// With one decoder the caller hears one device at a time, and in the end the one that she talks to. A device that refuses leaves its
// connection to nobody: the next one gets a clone.
//
// conformance: CLN-10, CLN-13
func TestOneDecoder(t *testing.T) {
	early := "devices: {tablet: {early: true}, desktop: {early: true, processing: 500ms, accepts: 8s}, phone: {answers: false, declines: 1s}}"
	for decoders, heard := range map[int][2]bool{0: {true, true}, 1: {true, false}} {
		r, _ := forkedRun(t, fmt.Sprintf("{decoders: %d, %s}", decoders, early))
		agreed := firstEvent(r, "alice", record.OfferAgreed)
		for i, device := range []string{"tablet", "desktop"} {
			first := firstEvent(r, device+"/audio>alice", record.FirstFrame)
			if (first < agreed-1) != heard[i] {
				t.Errorf("%d decoders: %s is heard from %.3f s on, agreed %.3f s", decoders, device, first, agreed)
			}
		}
		if first := firstEvent(r, "desktop/audio>alice", record.FirstFrame); !(first < agreed+0.2) {
			t.Errorf("%d decoders: the desktop is heard from %.3f s on, agreed %.3f s", decoders, first, agreed)
		}
		conflicts := 0
		for _, e := range r.Events {
			if e.Kind == "resource-conflict" {
				conflicts++
			}
		}
		if conflicts != decoders { // one with one
			t.Errorf("%d decoders: %d conflicts", decoders, conflicts)
		}
	}
	// The line that isn't wanted any more is still there, and nobody listens.
	r, _ := forkedRun(t, "{decoders: 1, closes: 4s, "+early+"}")
	agreed := firstEvent(r, "alice", record.OfferAgreed)
	for i, v := range r.Find("tablet/audio>alice", record.Goodput).Values {
		if from := float64(i) * r.Find("tablet/audio>alice", record.Goodput).Step.Seconds(); from > agreed+0.2 && v > 0 {
			t.Fatalf("the tablet is heard at %.1f s, agreed with the desktop at %.3f s", from, agreed)
		}
	}
	// When somebody who was heard gives up, the next one is heard.
	r, _ = forkedRun(t, "{decoders: 1, devices: {phone: {answers: false}, tablet: {early: true, declines: 3s}, desktop: {early: true, processing: 500ms, accepts: 8s}}}")
	if first := firstEvent(r, "desktop/audio>alice", record.FirstFrame); !(first > 4 && first < 4.5) {
		t.Errorf("the desktop is heard from %.3f s on", first)
	}
	// Without an encoder nothing is sent.
	r, _ = forkedRun(t, "{encoders: 1, devices: {desktop: {accepts: 3s}}}")
	if sends(r, "alice/audio>desktop") == 0 || sends(r, "alice/video>desktop") > 0 {
		t.Error("with one encoder alice doesn't send her first medium alone")
	}
	r, _ = forkedRun(t, "{decoders: 1, devices: {phone: {declines: 1s}, desktop: {processing: 3s, accepts: 5s}, tablet: {processing: 4s}}}")
	if c := clipped(r, "desktop/audio>alice"); c != 0 {
		t.Errorf("%v ms are lost", c)
	}
}

// What is lost at the beginning is what is left to be done: a way of a message, checks, two round trips of the handshake, and the
// start of a codec. The figures are those of docs/experiments/clipping.md.
func TestClippingAsComputed(t *testing.T) {
	f, err := scenarios.Load("../signalling/clipping.yaml", scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, run := range f.Runs {
		seen++
		r, err := runner.Run(t.Context(), run, runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		way := 5 + float64(run.Scenario.Link("desktop").Forward.Delay.Milliseconds())
		rtt, message := 2*way, way+50
		toAlice, toDesktop := 0.0, 0.0
		switch run.Scenario.Signalling.Fork.WarmUp {
		case "none":
			paced := max(50-rtt, 0) // the nomination is another check (RFC 8445 §14.2)
			toAlice, toDesktop = message+3.5*rtt+paced+50, 3*rtt+paced+50
		case "ice":
			toAlice, toDesktop = 2*rtt+50, max(1.5*rtt-message, 0)+50
		case "dtls":
			toAlice, toDesktop = 50, 50
		}
		if a, d := clipped(r, "desktop/audio>alice"), clipped(r, "alice/audio>desktop"); math.Abs(a-toAlice) > 10 || math.Abs(d-toDesktop) > 10 {
			t.Errorf("%s, round trip %v ms: alice loses %v ms, not %v, the desktop %v ms, not %v", run.Name, rtt, a, toAlice, d, toDesktop)
		}
	}
	if seen != 16 {
		t.Errorf("%d runs", seen)
	}
}
