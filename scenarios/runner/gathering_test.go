package runner_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/rng"
)

// gatheredCall is a call between two homes, of which each has a NAT that maps by something or, if nothing is said, none.
func gatheredCall(mapsA, mapsB, more string) string {
	nodes := ""
	for _, n := range [][2]string{{"A", mapsA}, {"B", mapsB}} {
		if n[1] != "" {
			nodes += fmt.Sprintf("    N%s: {nat: {inside: [%s], mapping: %s}}\n", n[0], n[0], n[1])
		}
	}
	if nodes != "" {
		nodes = "  nodes:\n" + nodes
	}
	return `
title: A call with candidates
duration: 30s
network:
  links:
    a: {between: [A, NA], rate: 100Mbps, delay: 5ms}
    b: {between: [B, NB], rate: 100Mbps, delay: 5ms}
    na: {between: [NA, M], rate: 100Mbps, delay: 20ms}
    nb: {between: [NB, M], rate: 100Mbps, delay: 20ms}
    s: {between: [M, S], rate: 100Mbps, delay: 10ms}
` + nodes + `
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
security: {ice: full}
media: [{from: A, kind: audio}, {from: B, kind: audio}]
congestion: {controller: fixed}
` + more
}

const (
	independent = "endpoint-independent"
	symmetric   = "address-and-port-dependent"
)

// pairOf returns by which pairs an end's packets have gone, by types, one after the other.
func pairsOf(r *record.Record, end string) (pairs []string) {
	for _, e := range r.Events {
		if words := strings.Fields(e.Detail); e.Entity == end && e.Kind == record.PairSelected && len(words) == 5 {
			pairs = append(pairs, words[0]+" to "+words[3])
		}
	}
	return pairs
}

// heardOf returns how much of the run from a time on somebody heard a stream of audio, at 50 frames a second.
func heardOf(r *record.Record, flow string, from float64) float64 {
	s := r.Find(flow, record.Goodput)
	if s == nil {
		return 0
	}
	bins, some := 0, 0
	for i := int(from / s.Step.Seconds()); i < len(s.Values)-1; i++ {
		if bins++; s.Values[i] > 0 {
			some++
		}
	}
	return float64(some) / float64(bins)
}

// RFC 8445 §5.1.1, §6.1.2: out of every two homes a call comes about by the pair of the highest priority that works, whether
// candidates are trickled, waited for or there before, and whoever calls. Over a relay it goes where nothing else works.
func TestHomesOnTheFabric(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b  string
		pairs [2]string // of A, which calls, and of B
	}{
		{"", "", [2]string{"host to host", "host to host"}},
		{independent, "", [2]string{"host to host", "host to srflx"}},
		{"", independent, [2]string{"host to srflx", "host to host"}},
		{independent, independent, [2]string{"host to srflx", "host to srflx"}},
		{symmetric, "", [2]string{"host to host", "host to prflx"}},
		{symmetric, independent, [2]string{"host to relay", "relay to prflx"}},
		{independent, symmetric, [2]string{"host to relay", "relay to srflx"}},
		{symmetric, symmetric, [2]string{"host to relay", "relay to prflx"}},
	} {
		ways := []string{"", "trickle: false", "trickle: false, pool: true", "pool: true"}
		if testing.Short() {
			ways = ways[:1]
		}
		for _, how := range ways {
			r := signalled(t, gatheredCall(c.a, c.b, "signalling: {at: M, offers: [{by: A, at: 1s}]}\nice: {at: S, "+how+"}\n"))
			for i, end := range []string{"A", "B"} {
				if got := pairsOf(r, end); len(got) != 1 || got[0] != c.pairs[i] {
					t.Errorf("%q and %q, %s: %s goes by %q instead of %q", c.a, c.b, how, end, got, c.pairs[i])
				}
				if got := heardOf(r, end+"/audio", 4); got < 1 {
					t.Errorf("%q and %q, %s: of %s's audio %.0f %% is heard", c.a, c.b, how, end, 100*got)
				}
			}
		}
	}
}

// A server that doesn't answer costs nothing where candidates are trickled, or there before somebody calls. Where descriptions wait
// for it, both ends do as long as RFC 8489 §6.2.1 has them ask: 39.5 s. The offer is given up after 32 s.
func TestDeadServerOfCandidates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		how, offer  string
		agreed      bool
		least, most float64
	}{
		{"trickle: true", "1s", true, 1.2, 2},
		{"trickle: false, pool: true", "40s", true, 40.2, 41},
		{"trickle: false", "1s", false, 1 + 39.5 + 31.9, 1 + 39.5 + 32.1},
	} {
		text := gatheredCall("", "", "signalling: {at: M, offers: [{by: A, at: "+c.offer+"}]}\nice: {at: S, "+c.how+"}\n")
		text = strings.Replace(text, "delay: 10ms}", "delay: 10ms, impairments: [{type: outage, during: [0s..100s]}]}", 1)
		r := signalled(t, strings.Replace(text, "30s", "100s", 1))
		at := firstEvent(r, "A", record.NegotiationFailed)
		if c.agreed {
			at = max(firstEvent(r, "A", "keys-agreed"), firstEvent(r, "B", "keys-agreed"))
		}
		if !(at > c.least && at < c.most) {
			t.Errorf("%s: %.3f s", c.how, at)
		}
		for _, end := range []string{"A", "B"} {
			if at := firstEvent(r, end, record.GatheringFailed); math.IsNaN(at) {
				t.Errorf("%s: %s doesn't say that its server doesn't answer", c.how, end)
			}
		}
	}
}

// RFC 8445 §9: both ends may restart, one after the other or at the same time, over a server or a gateway, however offers that
// cross are resolved; media go on, and after each restart both ends send by a pair of it. SSRCs, sequence numbers and keys stay.
func TestRestarts(t *testing.T) {
	t.Parallel()
	ways := []string{"", "by: gateway, ", "resolution: polite, ", "resolution: timers, ", "by: gateway, resolution: timers, "}
	if testing.Short() {
		ways = ways[:1]
	}
	for _, how := range ways {
		for _, offers := range []string{"{by: A, at: 10s, restart: true}, {by: B, at: 15s, restart: true}", "{by: A, at: 10s, restart: true}, {by: B, at: 10005ms, restart: true}"} {
			for _, servers := range []string{"", "ice: {at: S, trickle: false}\n", "ice: {at: S}\n"} {
				if strings.Contains(how, "gateway") && servers == "ice: {at: S}\n" {
					servers = "ice: {at: S, policy: relay}\n"
				}
				text := gatheredCall("", "", servers+"signalling: {"+how+"at: M, offers: [{by: A, at: 1s}, "+offers+"]}\n")
				r := signalled(t, text)
				for _, end := range []string{"A", "B"} {
					n := len(pairsOf(r, end))
					crossing := n == 2 && strings.Contains(offers, "10005") // one agreement may serve both
					if servers != "" && n != 3 && !crossing {
						t.Errorf("%s: %s has used %q", text, end, pairsOf(r, end))
					}
					if got := heardOf(r, end+"/audio", 4); got < 1 {
						t.Errorf("%s: of %s's audio %.0f %% is heard", text, end, 100*got)
					}
					for _, e := range r.Events {
						switch e.Kind {
						case "ssrc-changed", "peer-closed", "keying-failed", record.NegotiationFailed, record.ChangeCancelled:
							t.Errorf("%s: %+v", text, e)
						case "keys-agreed":
							if e.At.Seconds() > 4 {
								t.Errorf("%s: %+v", text, e)
							}
						}
					}
				}
				fragments := map[string]bool{}
				for _, m := range r.Messages {
					for line := range strings.Lines(m.Text) {
						if i := strings.Index(line, "a=ice-ufrag:"); i >= 0 && m.To != "server" && m.To != "gateway" {
							fragments[m.From+line[i:i+16]] = true
						}
					}
				}
				if len(fragments) < 4 {
					t.Errorf("%s: the credentials are %v", text, fragments)
				}
			}
		}
	}
}

// On bad networks, behind any NATs, however candidates are gathered and told, and with restarts, a call comes about or somebody
// says why not.
func TestGatheringOnBadNetworks(t *testing.T) {
	t.Parallel()
	runs := 200
	if testing.Short() {
		runs = 2
	}
	random := rng.New(7).Stream("networks")
	pick := func(list ...string) string { return list[random.Uint32()%uint32(len(list))] }
	connected := 0
	for seed := range runs {
		link := func(ends string) string {
			return fmt.Sprintf("{between: [%s], rate: %dkbps, delay: %dms, loss: %.1f%%}", ends, 200+random.Uint32()%5000, random.Uint32()%100, random.Uniform(0, 5))
		}
		gateway := random.Bool(0.2)
		by, trickle, resolution := "server", pick("true", "false"), pick("timers", "tie-breaker", "polite")
		if gateway {
			by, trickle = "gateway", "false"
		}
		text := gatheredCall(pick("", independent, symmetric), pick("", independent, symmetric), fmt.Sprintf(`seed: %d
signalling:
  at: M
  by: %s
  resolution: %s
  peers: {A: %s}
  offers: [{by: A, at: 1s}, {by: %s, at: 20s, restart: %s}, {by: %s, at: %dms, restart: %s}]
ice: {at: S, trickle: %s, turn: %s, pool: %s, policy: all}
`, seed+1, by, resolution, pick("{}", "{poll: 1s}", "{long-poll: 10s}"), pick("A", "B"), pick("true", "false"), pick("A", "B"), 20000+random.Uint32()%3000,
			pick("true", "false"), trickle, pick("true", "true", "false"), pick("true", "false")))
		if gateway { // user agents of SIP are reached where they are
			text = strings.Replace(text, "    NB: {nat: {inside: [B], mapping: "+symmetric+"}}\n", "", 1)
			text = strings.Replace(text, "    NB: {nat: {inside: [B], mapping: "+independent+"}}\n", "", 1)
			text = strings.Replace(text, "  nodes:\n\n", "\n", 1)
		}
		for _, l := range []struct{ name, ends string }{{"na", "NA, M"}, {"nb", "NB, M"}, {"s", "M, S"}} {
			from := strings.Index(text, "    "+l.name+": {")
			to := from + strings.Index(text[from:], "\n")
			text = text[:from] + "    " + l.name + ": " + link(l.ends) + text[to:]
		}
		r := signalled(t, strings.Replace(text, "duration: 30s", "duration: 120s", 1))
		why := false
		for _, e := range r.Events {
			switch e.Kind {
			case "keying-failed", "peer-closed", record.NegotiationFailed, record.ChangeCancelled:
				why = true
			}
		}
		ok := true
		for _, end := range []string{"A", "B"} {
			ok = ok && heardOf(r, end+"/audio", 100) > 0.5
		}
		if ok {
			connected++
		} else if !why {
			t.Errorf("nobody is heard, and nobody says why:\n%s", text)
		}
	}
	t.Logf("%d of %d", connected, runs)
	if connected < runs*8/10 {
		t.Errorf("only %d of %d calls came about", connected, runs)
	}
}

// An independent reader finds in captures of a relayed call what RFC 8489 and RFC 8656 have, and nothing wrong.
func TestTsharkReadsGathering(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	text := gatheredCall(symmetric, symmetric, "signalling: {at: M, offers: [{by: A, at: 1s}]}\nice: {at: S}\n")
	f, err := scenarios.Parse("gathered.yaml", []byte(strings.Replace(text, "30s", "6s", 1)), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Run(t.Context(), f.Runs[0], runner.Options{CaptureDir: dir}); err != nil {
		t.Fatal(err)
	}
	count := func(file, filter string) int { return packets(t, tshark, dir+"/"+file, filter) }
	for filter, least := range map[string]int{
		"stun.type.method == 0x0003 && stun.type.class == 0": 2, "stun.type.method == 0x0003 && stun.type.class == 0x11": 1, // the first is refused
		"stun.type.method == 0x0008": 2, "stun.type.method == 0x0009": 2, "stun.type.method == 0x0006": 1, "stun.type.method == 0x0007": 1,
		"stun.channel": 100, // B's media go over its server
	} {
		if got := count("B.pcapng", filter); got < least {
			t.Errorf("%d packets with %s, not %d", got, filter, least)
		}
	}
	for _, file := range []string{"A.pcapng", "B.pcapng"} {
		if n := count(file, "_ws.malformed"); n != 0 {
			t.Errorf("%s: tshark finds %d packets wrong", file, n)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "srtp-keys.txt"))
	if err != nil || !strings.Contains(string(b), "10.5.0.1:") || !strings.Contains(string(b), "198.51.100.") {
		t.Errorf("the keys are those of flows that nobody sees: %v\n%s", err, b)
	}
}
