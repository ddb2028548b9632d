package runner_test

import (
	"fmt"
	"math"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/record"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies/signalling"
)

// signalledCall is a call over a server, with 25 ms on either side of it.
const signalledCall = `
title: A signalled call
duration: 40s
network:
  links:
    a: {between: [A, M], rate: 100Mbps, delay: 25ms}
    b: {between: [M, B], rate: 100Mbps, delay: 25ms}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media: [{from: A, kind: audio}, {from: B, kind: audio}]
congestion: {controller: fixed}
`

func signalled(t *testing.T, text string) *record.Record {
	t.Helper()
	return runWatched(t, text, nil)
}

// runWatched runs the scenario in a text, with somebody who looks on if that isn't nil.
func runWatched(t *testing.T, text string, watch fabric.Observer) *record.Record {
	t.Helper()
	f, err := scenarios.Parse("signalled.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r, err := runner.Run(t.Context(), f.Runs[0], runner.Options{Observer: watch})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// firstEvent returns the time of the first event of a kind at an endpoint; NaN if there is none.
func firstEvent(r *record.Record, entity string, kinds ...string) float64 {
	for _, e := range r.Events {
		for _, kind := range kinds {
			if e.Entity == entity && e.Kind == kind {
				return e.At.Seconds()
			}
		}
	}
	return math.NaN()
}

// The network of wires in which glare is counted says what happens on the fabric, over TCP and HTTP, but for what segments
// and acknowledgments take: the same timers, values and polls, and the same times within 20 ms.
//
// conformance: GLR-9
func TestSignalledAsOnWires(t *testing.T) {
	long(t)
	t.Parallel()
	const ms = time.Millisecond
	deliveries := map[string]signalling.Delivery{
		"{}": {}, "{poll: 2s, phase: 700ms}": {Poll: 2 * time.Second, Phase: 700 * ms}, "{poll: 5s, phase: 200ms}": {Poll: 5 * time.Second, Phase: 200 * ms},
		"{long-poll: 30s}": {LongPoll: 30 * time.Second, Phase: 1}, // it waits before there is an offer
	}
	for toA, a := range deliveries {
		for toB, b := range deliveries {
			for _, resolution := range []glare.Resolution{glare.Timers, glare.TieBreaker, glare.Polite} {
				offers := [2]time.Duration{1013 * ms, 1043 * ms}
				x := signalling.Experiment{
					Path: signalling.ByServer, Resolution: resolution, Latency: 50 * ms, Delivery: [2]signalling.Delivery{a, b}, Offers: &offers, Limit: 40 * time.Second,
				}
				want := x.Run(1)
				text := signalledCall + fmt.Sprintf("signalling: {at: M, resolution: %v, peers: {A: %s, B: %s}, offers: [{by: A, at: %v}, {by: B, at: %v}]}\n",
					resolution, toA, toB, offers[0], offers[1])
				r := signalled(t, text)
				settled := math.Min(nanToInf(firstEvent(r, "A", record.OfferAccepted)), nanToInf(firstEvent(r, "B", record.OfferAccepted)))
				never := want.Settled == simtime.Never
				if never != math.IsInf(settled, 1) || !never && math.Abs(settled-want.Settled.Seconds()) > 0.02 {
					t.Errorf("to A %s, to B %s, %v: settled at %.3f s on the fabric, at %v on wires", toA, toB, resolution, settled, want.Settled)
				}
				glares := 0
				for _, e := range r.Events {
					if e.Kind == record.Glare && e.Entity == "A" {
						glares++
					}
				}
				if !never && glares != want.Rounds {
					t.Errorf("to A %s, to B %s, %v: glare came %d times on the fabric, %d times on wires", toA, toB, resolution, glares, want.Rounds)
				}
			}
		}
	}
}

func nanToInf(v float64) float64 {
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}

// No media and no handshake before an agreement, and both soon behind it.
func TestMediaWaitForAgreement(t *testing.T) {
	for _, security := range []string{"", "security: {keying: preshared}\n", "protection: size-only\n"} {
		for _, polls := range []string{"{}", "{B: {poll: 5s, phase: 1ms}}"} { // B, which offers, hears of the answer at 3.1 s or at 5.05 s
			r := signalled(t, signalledCall+security+"signalling: {at: M, peers: "+polls+", offers: [{by: B, at: 3s}]}\n")
			for _, end := range []string{"A", "B"} {
				agreed := firstEvent(r, end, record.OfferAccepted, record.OfferAgreed)
				quiet := func(series *record.Series, what string, until float64) {
					for i, v := range series.Values {
						if to := (time.Duration(i+1) * series.Step).Seconds(); to <= until && v > 0 {
							t.Errorf("%s%s: %s sends %v bit/s of %s until %.1f s, and has agreed at %.3f s", security, polls, end, v, what, to, agreed)
						}
					}
				}
				sent := r.Find(end+"/audio", record.SendRate)
				quiet(sent, "media", agreed)
				if security == "security: {keying: preshared}\n" {
					quiet(r.Find(end, record.RTCPRate), "RTCP", agreed)
				}
				for i, v := range sent.Values {
					if from := (time.Duration(i) * sent.Step).Seconds(); from > agreed+0.5 && from < 39 && !(v > 0) {
						t.Fatalf("%s%s: %s sends nothing at %.1f s", security, polls, end, from)
					}
				}
			}
		}
	}
}

// An end that asks for messages seldom has keys before it knows that its offer was accepted: the other end's media come, but
// it sends none of its own.
func TestOffererWaitsForAnswer(t *testing.T) {
	r := signalled(t, signalledCall+"signalling: {at: M, peers: {A: {poll: 5s, phase: 1ms}}, offers: [{by: A, at: 1s}]}\n")
	keys, agreed := firstEvent(r, "A", "keys-agreed"), firstEvent(r, "A", record.OfferAgreed)
	if !(keys < 1.5 && agreed > 5) {
		t.Fatalf("keys at %.3f s, agreed at %.3f s", keys, agreed)
	}
	for flow, from := range map[string]float64{"A/audio": agreed, "B/audio": keys} {
		for i, v := range r.Find(flow, record.SendRate).Values {
			at := (time.Duration(i+1) * r.Find(flow, record.SendRate).Step).Seconds()
			if at <= from && v > 0 || at > from+0.5 && at < 39 && !(v > 0) {
				t.Fatalf("%s has %v bit/s until %.1f s", flow, v, at)
			}
		}
	}
}

// Whatever the network does to the signalling, a call comes about, or somebody says why not.
func TestSignallingOnBadNetworks(t *testing.T) {
	t.Parallel()
	runs := 300
	if testing.Short() {
		runs = 5
	}
	random := rng.New(4).Stream("networks")
	pick := func(list ...string) string { return list[random.Uint32()%uint32(len(list))] }
	agreed := 0
	for seed := range runs {
		direction := func() string {
			return fmt.Sprintf("{rate: %dkbps, delay: %dms, loss: %.1f%%, queue: {length: %dms}}", 50+random.Uint32()%2000, random.Uint32()%300, random.Uniform(0, 15), 50+random.Uint32()%400)
		}
		text := fmt.Sprintf(`
title: A signalled call on a bad network
duration: 150s
seed: %d
network:
  links:
    a: {between: [A, M], forward: %s, backward: %s}
    b: {between: [M, B], forward: %s, backward: %s}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media: [{from: A, kind: audio, frame: 120ms, stop: 149s}, {from: B, kind: audio, frame: 120ms, stop: 149s}]
congestion: {controller: fixed}
security: {timeout: 100ms}
signalling:
  at: M
  by: %s
  resolution: %s
  peers: {A: %s}
  offers: [{by: A, at: 1s}, {by: B, at: %dms}, {by: A, at: %dms}]
`, seed+1, direction(), direction(), direction(), direction(), pick("server", "gateway"), pick("timers", "tie-breaker", "polite"),
			pick("{}", "{poll: 1s}", "{long-poll: 10s}"), 1000+random.Uint32()%600, 2000+random.Uint32()%5000)
		r := signalled(t, text)
		a, b := firstEvent(r, "A", record.OfferAccepted, record.OfferAgreed), firstEvent(r, "B", record.OfferAccepted, record.OfferAgreed)
		for _, e := range r.Events {
			if e.Kind == "keying-failed" || strings.Contains(e.Detail, "a=setup") {
				t.Errorf("%+v:\n%s", e, text)
			}
		}
		failed := !math.IsNaN(firstEvent(r, "A", record.NegotiationFailed, record.ChangeCancelled)) || !math.IsNaN(firstEvent(r, "B", record.NegotiationFailed, record.ChangeCancelled))
		switch keys := !math.IsNaN(firstEvent(r, "A", "keys-agreed")) && !math.IsNaN(firstEvent(r, "B", "keys-agreed")); {
		case !math.IsNaN(a) && !math.IsNaN(b) && keys:
			agreed++
		case !failed || !math.IsNaN(a) && !math.IsNaN(b):
			t.Errorf("agreed at %.3f and %.3f s, keys: %t, and nobody says why not:\n%s", a, b, keys, text)
		}
	}
	if agreed < runs*8/10 {
		t.Errorf("only %d of %d calls came about", agreed, runs)
	}
}

// conformance: GLR-7
func TestTsharkReadsSignalling(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	for delivery, protocols := range map[string]map[string]int{
		"{}":                       {"websocket": 4, "json": 0},
		"{poll: 1s, phase: 200ms}": {"http.request.method == \"POST\"": 2, "http.response.code == 200": 2, "json": 4},
	} {
		dir := t.TempDir()
		f, err := scenarios.Parse("signalled.yaml", []byte(signalledCall+"signalling: {at: M, by: gateway, gateway: {values: true}, peers: {A: "+delivery+"}, offers: [{by: A, at: 1s}, {by: B, at: 5s}]}\n"), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runner.Run(t.Context(), f.Runs[0], runner.Options{CaptureDir: dir}); err != nil {
			t.Fatal(err)
		}
		count := func(file, filter string) int { return packets(t, tshark, dir+"/"+file, filter) }
		for filter, n := range protocols {
			if got := count("signalling-A.pcapng", filter); got != n {
				t.Errorf("%s: %d packets with %s, not %d", delivery, got, filter, n)
			}
		}
		for filter, n := range map[string]int{
			`sip.Method == "INVITE"`: 2, `sip.Method == "ACK"`: 2, "sip.Status-Code == 200": 2, "sdp": 4, "sip contains \"Glare-Resolution\"": 1,
		} {
			if got := count("signalling-B.pcapng", filter); got != n {
				t.Errorf("%d packets with %s, not %d", got, filter, n)
			}
		}
		for _, file := range []string{"signalling-A.pcapng", "signalling-B.pcapng", "signalling-gateway.pcapng", "A.pcapng"} {
			if n := count(file, "_ws.malformed || tcp.analysis.flags && !tcp.analysis.window_update"); n != 0 {
				t.Errorf("%s: tshark finds %d packets wrong", file, n)
			}
		}
	}
}

// A record has every message of a run, and what each says.
func TestMessagesAreRecorded(t *testing.T) {
	r := signalled(t, signalledCall+"signalling: {at: M, offers: [{by: A, at: 1s}]}\n")
	var titles []string
	for _, m := range r.Messages {
		title, _, _ := strings.Cut(m.Title, " (")
		titles = append(titles, fmt.Sprintf("%s>%s %s", m.From, m.To, title))
		if m.Arrived.Sub(m.Sent) < 25*time.Millisecond || m.Protocol != "ROAP" || !strings.Contains(m.Text, `"messageType"`) {
			t.Errorf("%+v", m)
		}
	}
	if got, want := strings.Join(titles, ", "), "A>server OFFER 1, server>B OFFER 1, B>server ANSWER 1, B>server ACCEPT 1, server>A ANSWER 1, server>A ACCEPT 1"; got != want {
		t.Errorf("messages: %s", got)
	}
	for _, line := range []string{"a=setup:actpass", "a=fingerprint:sha-256 ", "a=rtcp-mux", "a=group:BUNDLE", "m=audio 49152 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 10.0.0.1"} {
		if !strings.Contains(r.Messages[0].Text, line) {
			t.Errorf("the offer doesn't say %s: %s", line, r.Messages[0].Text)
		}
	}
}
