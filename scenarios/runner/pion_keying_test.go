package runner_test

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const keyedCall = `
title: A call
duration: %v
network: {links: {path: {between: [A, B], delay: %v, loss: %v%%, rate: 2Mbps}}}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {max: 500kbps}}
  - {from: B, kind: audio, rate: 32kbps}
congestion: {controller: fixed, feedback: rfc8888}
security: {keying: %s, ice: %s}
`

func keyed(t *testing.T, duration, delay time.Duration, loss float64, keying, ice string, seed int) *record.Record {
	t.Helper()
	s := loadText(t, fmt.Sprintf(keyedCall, duration, delay, loss, keying, ice))
	s.Seed = uint64(seed)
	return run(t, &scenarios.Run{Name: "default", Scenario: s})
}

// agreed returns when the later end of a call has its keys; false if one never has.
func agreed(rec *record.Record) (time.Duration, bool) {
	last, n := simtime.Time(0), 0
	for _, e := range rec.Events {
		if e.Kind == "keys-agreed" {
			last = max(last, e.At)
			n++
		}
	}
	return last.Duration(), n == 2
}

// Whoever does the handshake, and whether checks go before it, media flow, and a handshake of ours takes as long as one of pion's
// in sessions that are otherwise the same.
func TestPionsKeysForSessionsOfOurs(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond} {
		for _, ice := range []string{"none", "pion"} {
			var took [2]time.Duration
			for i, keying := range []string{"dtls", "pion"} {
				rec := keyed(t, 10*time.Second, delay, 0, keying, ice, 1)
				var ok bool
				if took[i], ok = agreed(rec); !ok {
					t.Fatalf("delay %v, keying %s, ice %s: there are no keys", delay, keying, ice)
				}
				for _, flow := range []string{"A/video", "B/audio"} {
					encoded, rendered := value(rec, flow, "frames-encoded"), value(rec, flow, "frames-rendered")
					if encoded < 200 || rendered < 0.95*encoded-10 {
						t.Errorf("delay %v, keying %s, ice %s: of %v frames of %s %v were shown", delay, keying, ice, encoded, flow, rendered)
					}
				}
			}
			if math.Abs(took[0].Seconds()/took[1].Seconds()-1) > 0.1 {
				t.Errorf("delay %v, ice %s: keys after %v with our handshake, %v with pion's", delay, ice, took[0], took[1])
			}
		}
	}
}

// The same holds on average where packets are lost: of both the same ones, as far as they go on alike.
func TestPionsKeysWithLoss(t *testing.T) {
	long(t)
	t.Parallel()
	for _, loss := range []float64{2, 10} {
		var sum [2]time.Duration
		const n = 200
		for seed := 1; seed <= n; seed++ {
			for i, keying := range []string{"dtls", "pion"} {
				s := loadText(t, fmt.Sprintf(keyedCall, 40*time.Second, 50*time.Millisecond, loss, keying, "none"))
				s.Seed = uint64(seed)
				for k := range s.Media {
					s.Media[k].Start = scenarios.Moment{From: 39 * time.Second, To: 39 * time.Second} // the handshake is all that counts
				}
				took, ok := agreed(run(t, &scenarios.Run{Name: "default", Scenario: s}))
				if !ok {
					t.Errorf("loss %v %%, keying %s, seed %d: there are no keys", loss, keying, seed)
				}
				sum[i] += took / n
			}
		}
		t.Logf("loss %v %%: keys after %v with our handshake, %v with pion's", loss, sum[0], sum[1])
		if math.Abs(sum[0].Seconds()/sum[1].Seconds()-1) > 0.1 {
			t.Errorf("loss %v %%: keys after %v with our handshake, %v with pion's", loss, sum[0], sum[1])
		}
	}
}

// pion's checks find their way through NATs wherever an address is known that works.
func TestPionsICEThroughNATs(t *testing.T) {
	t.Parallel()
	for _, keying := range []string{"dtls", "pion"} {
		for _, r := range load(t, library+"network/nat.yaml", "protection=full", "security.ice=pion", "security.keying="+keying) {
			for _, v := range run(t, r).Verdicts {
				if !v.Pass {
					t.Errorf("keying %s, %s: %s: %v", keying, r.Name, v.Expectation, v.Value)
				}
			}
		}
		// Each filter lets the other end's checks in only after it has seen some of its own.
		for _, r := range load(t, guests+"pion-keying.yaml", "security.ice=pion", "security.keying="+keying) {
			if _, ok := agreed(run(t, r)); !ok {
				t.Errorf("keying %s: no keys with a NAT at each end", keying)
			}
		}
	}
}

// An end that hears nothing of the other one for half a minute has no consent any more, and stops (RFC 7675 §5.1).
func TestPionsICELosesConsent(t *testing.T) {
	t.Parallel()
	s := loadText(t, strings.Replace(fmt.Sprintf(keyedCall, 80*time.Second, 20*time.Millisecond, 0, "dtls", "pion"), "rate: 2Mbps",
		"rate: 2Mbps, impairments: [{type: outage, during: [10s..60s]}]", 1))
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	n := 0
	for _, e := range rec.Events {
		if e.Kind == "peer-closed" {
			n++
			if e.At < simtime.At(30*time.Second) || e.At > simtime.At(50*time.Second) {
				t.Errorf("%s stops at %v", e.Entity, e.At)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d ends stop, want both", n)
	}
}

// An end that never hears of the other one gives up, and says so.
func TestPionsICEFindsNobody(t *testing.T) {
	t.Parallel()
	s := loadText(t, strings.Replace(fmt.Sprintf(keyedCall, 60*time.Second, 20*time.Millisecond, 0, "pion", "pion"), "rate: 2Mbps",
		"rate: 2Mbps, impairments: [{type: outage, during: [0s..60s]}]", 1))
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	var failed []string
	for _, e := range rec.Events {
		if e.Kind == "keying-failed" {
			failed = append(failed, e.Entity+": "+e.Detail)
		}
	}
	if len(failed) != 2 || !strings.Contains(failed[0], "no way to the other end") {
		t.Errorf("ends say %q, want that they have found no way to each other", failed)
	}
}

// Wireshark's program reads pion's handshake with the key log beside a capture.
func TestTsharkReadsPionsHandshake(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir, packets := captureOf(t, tshark, library+"endpoints/handshake.yaml", 0, "duration=5s", "expect=[]", "protection=full", "security.profile=gcm-128",
		"security.keying=pion", "security.ice=pion")
	out, err := exec.Command(tshark, "-r", filepath.Join(dir, "R1.pcapng"), "-o", "tls.keylog_file:"+filepath.Join(dir, "dtls-keylog.txt"),
		"-Y", "dtls.handshake.type == 20 || stun", "-T", "fields", "-e", "_ws.col.Protocol").Output()
	if err != nil {
		t.Fatal(err)
	}
	if finished, checks := strings.Count(string(out), "DTLS"), strings.Count(string(out), "STUN"); finished != 2 || checks < 4 {
		t.Errorf("%d Finished messages are read and %d of STUN, want 2, and checks both ways", finished, checks)
	}
	if len(packets) < 100 {
		t.Errorf("there are %d packets of RTP and RTCP", len(packets))
	}
}
