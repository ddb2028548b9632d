package runner_test

import (
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// homes is a call between two homes with a router each, over a server, on links without a rate: what is longer takes no longer.
const homes = `
title: A signalled call between homes
duration: 12s
network:
  links:
    a: {between: [A, N1], delay: 5ms}
    n: {between: [N1, M], delay: 20ms}
    m: {between: [M, N2], delay: 20ms}
    b: {between: [N2, B], delay: 5ms}
  nodes: {%s}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media: [{from: A, kind: audio}, {from: B, kind: audio}]
congestion: {controller: fixed}
`

// routers are what may stand between a home and the network.
var routers = map[string]string{
	"full cone":          "{nat: {inside: [%s], filtering: endpoint-independent}}",
	"NAT":                "{nat: {inside: [%s]}}",
	"NAT with its ports": "{nat: {inside: [%s], port-preservation: false}}",
	"symmetric NAT":      "{nat: {inside: [%s], mapping: address-and-port-dependent, port-preservation: false}}",
	"firewall":           "{firewall: {inside: [%s]}}",
}

// messageTimes says which messages went, and when, but not what they said, nor which of two came first at one time.
func messageTimes(r *record.Record) string {
	var list []string
	for _, m := range r.Messages {
		list = append(list, fmt.Sprintln(m.Sent, m.Arrived, m.From, m.To, m.Protocol, m.Title))
	}
	slices.Sort(list)
	return strings.Join(list, "")
}

// Messages pass NATs and firewalls of every kind at the same nanoseconds as a network without them, however they are delivered and
// whoever offers, as clients open all connections.
func TestSignallingPassesNATs(t *testing.T) {
	long(t)
	t.Parallel()
	for _, way := range []string{
		"{at: M, %s}", "{at: M, peers: {A: {poll: 700ms, phase: 90ms}, B: {poll: 1s}}, %s}", "{at: M, peers: {A: {long-poll: 1s}, B: {long-poll: 30s}}, %s}",
		"{at: M, peers: {B: {poll: 300ms}}, resolution: timers, %s}", "{at: M, by: gateway, %s}", "{at: M, by: gateway, peers: {A: {long-poll: 30s}}, %s}",
	} {
		g := "signalling: " + fmt.Sprintf(way, "offers: [{by: A, at: 1s}, {by: B, at: 1040ms}, {by: B, at: 6s}]") + "\n"
		plain := signalled(t, fmt.Sprintf(homes, "")+g)
		want := messageTimes(plain)
		if n := len(plain.Messages); n < 8 {
			t.Fatalf("%s: %d messages", way, n)
		}
		for name, router := range routers {
			nodes := "N1: " + fmt.Sprintf(router, "A") + ", N2: " + fmt.Sprintf(router, "B")
			if strings.Contains(way, "gateway") { // which calls B, from behind a router
				nodes = "N2: " + fmt.Sprintf(router, "A, N1, M")
			}
			r := signalled(t, fmt.Sprintf(homes, nodes)+g)
			if got := messageTimes(r); got != want {
				t.Errorf("%s, %s:\n%swithout:\n%s", name, way, got, want)
			}
			again := signalled(t, fmt.Sprintf(homes, nodes)+g)
			if r.Manifest.Digest != again.Manifest.Digest {
				t.Errorf("%s, %s: digests %s and %s", name, way, r.Manifest.Digest, again.Manifest.Digest)
			}
		}
	}
}

// Descriptions have the addresses that NATs were asked for, and media find their way as in a call that isn't signalled: where a mapping doesn't
// depend on where packets go.
func TestMediaPassNATsOfSignalledCalls(t *testing.T) {
	const ei, sym = "{nat: {inside: [%s]}}", "{nat: {inside: [%s], mapping: address-and-port-dependent}}"
	for _, x := range []struct {
		a, b, more string
		flows      bool
	}{
		{ei, ei, "", true},
		{ei, "", "", true},
		{"", ei, "", true},
		{routers["firewall"], routers["firewall"], "", true},
		{routers["NAT with its ports"], ei, "", true},
		{ei, ei, "ice", true},
		{routers["firewall"], routers["firewall"], "ice", true},
		{sym, ei, "", false},
		{sym, sym, "ice", false},
		{sym, "", "", false},
	} {
		var nodes []string
		for i, router := range []string{x.a, x.b} {
			if router != "" {
				nodes = append(nodes, fmt.Sprintf("N%d: "+router, i+1, string(rune('A'+i))))
			}
		}
		text := fmt.Sprintf(homes, strings.Join(nodes, ", ")) + "signalling: {at: M, offers: [{by: A, at: 1s}]}\n"
		if x.more == "ice" {
			text += "security: {ice: full}\n"
		}
		r := signalled(t, text)
		for i, end := range []string{"A", "B"} {
			if math.IsNaN(firstEvent(r, end, record.OfferAccepted, record.OfferAgreed)) {
				t.Errorf("%v, %s: %s doesn't agree: %v", nodes, x.more, end, r.Events)
			}
			keys, rate := firstEvent(r, end, "keys-agreed"), r.Find(end+"/audio", record.ReceiveRate).Values
			if got := keys < 3 && rate[len(rate)-10] > 10_000; got != x.flows {
				t.Errorf("%v, %s: %s has keys at %.3f s, and is heard with %v bit/s", nodes, x.more, end, keys, rate[len(rate)-10])
			}
			translates := strings.Contains([]string{x.a, x.b}[i], "nat:")
			if own := strings.Contains(describedBy(r, end), "c=IN IP4 10.0.0."); own == translates {
				t.Errorf("%v, %s: %s describes itself so: %s", nodes, x.more, end, describedBy(r, end))
			}
		}
	}
}

// describedBy returns the first message from an end with a description.
func describedBy(r *record.Record, end string) string {
	for _, m := range r.Messages {
		if m.From == end && strings.Contains(m.Text, "m=audio") {
			return m.Text
		}
	}
	return ""
}

// Devices behind one NAT, of which all open their connections from the same port, are told apart, and a device that moves tells what its new port
// looks like from outside. So it is when the caller is behind one, too.
func TestForkBehindNATs(t *testing.T) {
	const network = `
  links:
    alice: {between: [A, N1], delay: 5ms}
    up: {between: [N1, M], delay: 20ms}
    down: {between: [M, N2], delay: 20ms}
    desktop: {between: [N2, D], delay: 5ms}
    tablet: {between: [N2, T], delay: 6ms}
    phone: {between: [N2, P], delay: 7ms}
  nodes: {%s}
`
	head, rest, _ := strings.Cut(forkedCall, "network:\n")
	_, rest, _ = strings.Cut(strings.Replace(rest, "at: S", "at: M", 1), "endpoints:")
	forks := []string{
		"devices: {tablet: {accepts: 5s, early: true, replaces: [{after: 3s, sends: [audio], moves: true}]}}", "devices: {desktop: {accepts: 3s}}",
		"devices: {phone: {accepts: 3s}, desktop: {declines: 1s}}", "rings: 2s, devices: {tablet: {accepts: 1s}}",
	}
	if testing.Short() {
		forks = forks[:1]
	}
	for _, fork := range forks {
		run := func(nodes string) *record.Record {
			return signalled(t, head+"network:"+fmt.Sprintf(network, nodes)+"endpoints:"+rest+"  fork: {"+fork+"}\n")
		}
		want := run("")
		i := slices.IndexFunc(want.Events, func(e record.Event) bool { return e.Kind == record.OfferAgreed })
		if i < 0 {
			t.Fatalf("%s: nobody is talked to: %v", fork, want.Events)
		}
		device := want.Events[i].Peer
		for _, nodes := range []string{
			"N2: {nat: {inside: [D, T, P]}}", "N2: {nat: {inside: [D, T, P], port-preservation: false}}", "N2: {firewall: {inside: [D, T, P]}}",
			"N1: {nat: {inside: [A]}}, N2: {nat: {inside: [D, T, P]}}", "N1: {firewall: {inside: [A]}}, N2: {nat: {inside: [D, T, P]}}",
			"N1: {nat: {inside: [A, M, D, T, P, N2]}}", "N2: {nat: {inside: [D, T]}}",
		} {
			r := run(nodes)
			if got, want := messageTimes(r), messageTimes(want); got != want {
				t.Errorf("%s, %s:\n%swithout:\n%s", fork, nodes, got, want)
			}
			for _, flow := range []string{device + "/audio>alice", "alice/audio>" + device} {
				if rate := r.Find(flow, record.ReceiveRate).Values; !(rate[len(rate)-10] > 10_000) {
					t.Errorf("%s, %s: of %s %v bit/s come", fork, nodes, flow, rate[len(rate)-10])
				}
				if got, want := clipped(r, flow), clipped(want, flow); math.Abs(got-want) > 60 {
					t.Errorf("%s, %s: %s loses %v ms, without NATs %v", fork, nodes, flow, got, want)
				}
			}
		}
	}
}

// tshark puts connections together on both sides of NATs, and finds nothing wrong with them.
func TestTsharkReadsSignallingBehindNATs(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	nodes := fmt.Sprintf("N1: %s, N2: %s", fmt.Sprintf(routers["NAT"], "A"), fmt.Sprintf(routers["NAT with its ports"], "B"))
	f, err := scenarios.Parse("nat.yaml", []byte(fmt.Sprintf(homes, nodes)+"signalling: {at: M, peers: {B: {poll: 500ms}}, offers: [{by: A, at: 1s}]}\n"), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := runner.Run(t.Context(), f.Runs[0], runner.Options{CaptureDir: dir}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]map[string]int{
		"signalling-A.pcapng": {"websocket": 2, "ip.src == 10.4.0.1 && tcp.srcport == 49152 && http": 1},
		"signalling-B.pcapng": {"http.request.method == POST": 1, "json": 2, "ip.dst == 10.4.0.2 && tcp.dstport == 49153 && http.response.code == 204": 1},
		"signalling-server.pcapng": {
			"websocket": 2, "http.request.method == POST": 1, "json": 2, `ip.src == 198.51.100.1 && http.request.uri == "/signalling/A"`: 1,
			"ip.src == 198.51.100.2 && tcp.srcport >= 1024 && tcp.srcport <= 1025 && http.request.method == POST": 1,
		},
	} {
		want["_ws.malformed || tcp.checksum.status == 0 || tcp.analysis.flags && !tcp.analysis.window_update"] = 0
		for filter, n := range want {
			out, err := exec.Command(tshark, "-r", dir+"/"+file, "-o", "tcp.check_checksum:TRUE", "-Y", filter, "-T", "fields", "-e", "frame.number").Output()
			if got := strings.Count(string(out), "\n"); err != nil || got != n {
				t.Errorf("%s: %d packets with %s, not %d: %v", file, got, filter, n, err)
			}
		}
	}
}

// What a NAT or a firewall has forgotten while a connection was idle ends with the connection, and somebody says so; one that asks for messages
// keeps its way open. Nothing waits for ever.
func TestForgottenConnections(t *testing.T) {
	t.Parallel()
	const quiet = "media: [{from: A, kind: audio, stop: 1s}, {from: B, kind: audio, stop: 1s}]"
	base := strings.Replace(homes, "media: [{from: A, kind: audio}, {from: B, kind: audio}]", quiet, 1)
	const (
		pushed = iota // what is pushed to B doesn't get in
		called        // what A says is of nobody, and reset
		told          // so it is, and the connection on which A asks goes with it
		fine
	)
	for _, x := range few(4, []struct {
		nodes, peers, offers, duration string
		want                           int
	}{
		{"N2: {firewall: {inside: [B], timeout: 10s}}", "{}", "{by: A, at: 60s}", "900s", pushed},
		{"N2: {firewall: {inside: [B], timeout: 10s}}", "{B: {poll: 5s}}", "{by: A, at: 60s}", "900s", fine},
		{"N2: {firewall: {inside: [B], timeout: 10s}}", "{B: {long-poll: 9s}}", "{by: A, at: 60s}", "900s", fine},
		{"N2: {firewall: {inside: [B], timeout: 10s}}", "{B: {long-poll: 30s}}", "{by: A, at: 50s}", "900s", pushed},
		{"N1: {firewall: {inside: [A], timeout: 10s}}", "{}", "{by: A, at: 60s}", "900s", fine}, // A lets itself be known
		{"N2: {nat: {inside: [B]}}", "{}", "{by: A, at: 120m}", "3h", fine},                     // RFC 5382, REQ-5
		{"N2: {nat: {inside: [B]}}", "{}", "{by: A, at: 125m}", "3h", pushed},
		{"N1: {nat: {inside: [A]}}", "{}", "{by: A, at: 125m}", "3h", fine}, // the same port again
		{"N1: {nat: {inside: [A], port-preservation: false}}", "{}", "{by: A, at: 125m}", "3h", called},
		{"N1: {nat: {inside: [A], port-preservation: false}}", "{A: {long-poll: 30m}}", "{by: A, at: 125m}", "3h", told},
	}...) {
		text := strings.Replace(fmt.Sprintf(base, x.nodes), "duration: 12s", "duration: "+x.duration, 1) +
			fmt.Sprintf("signalling: {at: M, peers: %s, offers: [%s]}\n", x.peers, x.offers)
		r := signalled(t, text)
		var lost []string
		for _, e := range r.Events {
			if e.Kind == "signalling-disconnected" {
				lost = append(lost, e.Entity+": "+e.Detail)
			}
		}
		agreed := !math.IsNaN(firstEvent(r, "A", record.OfferAgreed))
		failed := !math.IsNaN(firstEvent(r, "A", record.NegotiationFailed, record.ChangeCancelled))
		want := [][]string{{"server: tcp: the other end doesn't answer"}, {"A: tcp: connection reset by the other end"}, {"A: tcp: connection reset by the other end", "server: tcp: connection reset by the other end"}, nil}[x.want]
		if agreed != (x.want == fine) || failed == agreed || !slices.Equal(lost, want) {
			t.Errorf("%s, %s, %s: agreed %t, failed %t, lost %q: %v", x.nodes, x.peers, x.offers, agreed, failed, lost, r.Events)
		}
	}
}
