package runner_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// detour is a call on a link that may be dead for a while, with a server that both ends reach by links of their own, and that may be
// dead as well.
func detour(duration, dead, serverDead, more string) string {
	return fmt.Sprintf(`
title: A call with a detour
duration: %s
network:
  links:
    access-A: {between: [A, M], rate: 5Mbps, delay: 10ms}
    direct: {between: [M, B], rate: 5Mbps, delay: 20ms, impairments: [{type: outage, during: [%s]}]}
    server-A: {between: [A, S], rate: 50Mbps, delay: 25ms}
    server-B: {between: [S, B], rate: 50Mbps, delay: 25ms}
    turn: {between: [S, T], rate: 50Mbps, delay: 1ms, impairments: [{type: outage, during: [%s]}]}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
security: {ice: full}
media: [{from: A, kind: audio}, {from: B, kind: audio}]
congestion: {controller: fixed}
`, duration, dead, serverDead) + more
}

// sayings notes when each host has sent media last, and where to anything goes.
type sayings struct {
	fabric.Observer
	last map[packet.IPv4]simtime.Time
	to   map[packet.IPv4]map[packet.IPv4]int
}

func newSayings() *sayings {
	return &sayings{Observer: fabric.Nobody, last: map[packet.IPv4]simtime.Time{}, to: map[packet.IPv4]map[packet.IPv4]int{}}
}

func (s *sayings) PacketSent(now simtime.Time, p *packet.Packet) {
	if p.Protocol != packet.UDP {
		return
	}
	if s.to[p.Src.IP] == nil {
		s.to[p.Src.IP] = map[packet.IPv4]int{}
	}
	s.to[p.Src.IP][p.Dst.IP]++
	if len(p.Payload) > 0 && p.Payload[0] >= 128 {
		s.last[p.Src.IP] = now
	}
}

const hostA, hostB, hostServer packet.IPv4 = 10<<24 + 1, 10<<24 + 2, 10<<24 + 5<<16 + 1

// RFC 7675 §5.1: without consent nothing is sent, whatever becomes of a restart: one that is agreed on and finds nothing, one that
// nobody answers, with candidates of a server or without. Both ends leave, and say why.
func TestConsentDuringRestarts(t *testing.T) {
	t.Parallel()
	for _, servers := range []string{"", "ice: {at: T, turn: false}\n"} {
		for _, answered := range []bool{true, false} {
			more := servers + "signalling: {at: S, offers: [{by: A, at: 1s}, {by: A, at: 25s, restart: true}]}\n"
			if !answered {
				more = strings.Replace(more, "offers:", "peers: {B: {poll: 119s, phase: 1500ms}}, offers:", 1)
			}
			s := newSayings()
			r := runWatched(t, detour("110s", "20s..110s", "109s..110s", more), s)
			for i, end := range []string{"A", "B"} {
				closed := firstEvent(r, end, "peer-closed")
				most := 70.0 // when the checks of the restart have come to nothing, too
				if !answered {
					most = 52
				}
				if !(closed > 40 && closed < most) {
					t.Errorf("%q, answered: %v: %s leaves at %.3f s", servers, answered, end, closed)
				}
				host := []packet.IPv4{hostA, hostB}[i]
				if last := s.last[host].Seconds(); last > 51 || last < 42 {
					t.Errorf("%q, answered: %v: %s sends media until %.3f s", servers, answered, end, last)
				}
			}
		}
	}
}

// A restart that the offerer has given up, and the answerer accepted, is taken back there; the call goes on, and so do later offers.
func TestRestartGivenUp(t *testing.T) {
	t.Parallel()
	for _, servers := range few(1, "ice: {at: T}\n", "", "ice: {at: T, trickle: false}\n") {
		for _, later := range few(1, ", {by: B, at: 121s}", "", ", {by: A, at: 121s}", ", {by: A, at: 121s, restart: true}", ", {by: B, at: 121s, restart: true}") {
			text := detour("260s", "259s..260s", "259s..260s",
				servers+"signalling: {at: S, peers: {B: {poll: 40s, phase: 2s}}, offers: [{by: A, at: 1s}, {by: A, at: 43s, restart: true}"+later+"]}\n")
			r := signalled(t, text)
			if math.IsNaN(firstEvent(r, "B", "offer-given-up")) {
				t.Fatalf("%q: nobody has given up: %v", servers, r.Events)
			}
			agreed := 0
			for _, e := range r.Events {
				if e.At.Seconds() > 121 && (e.Kind == record.OfferAccepted || e.Kind == record.OfferAgreed) {
					agreed++
				}
			}
			if later != "" && agreed != 2 {
				t.Errorf("%q, %q: the later offer isn't agreed on", servers, later)
			}
			for _, end := range []string{"A", "B"} {
				if got := heardOf(r, end+"/audio", 5); got < 0.995 {
					t.Errorf("%q, %q: of %s's audio %.1f %% is heard", servers, later, end, 100*got)
				}
			}
		}
	}
}

// With policy "relay" nothing goes to anybody but the server, and nobody is told an address that isn't its (RFC 8829 §3.5.3, RFC 8839
// §9.1).
func TestRelayPolicyHides(t *testing.T) {
	t.Parallel()
	for _, trickle := range []string{"true", "false"} {
		s := newSayings()
		r := runWatched(t, gatheredCall("", independent, "signalling: {at: M, offers: [{by: A, at: 1s}, {by: B, at: 10s, restart: true}]}\nice: {at: S, policy: relay, trickle: "+trickle+"}\n"), s)
		for _, host := range []packet.IPv4{hostA, hostB} {
			for to, n := range s.to[host] {
				if to != hostServer {
					t.Errorf("%v sends %d packets to %v", host, n, to)
				}
			}
		}
		inside := regexp.MustCompile(`(candidate:|c=IN IP4 )[^\n]*(10\.0\.0\.|198\.51\.100\.)`)
		for _, m := range r.Messages {
			if found := inside.FindString(m.Text); found != "" {
				t.Errorf("%s tells %q", m.Title, found)
			}
		}
		if got := heardOf(r, "A/audio", 4); got < 1 {
			t.Errorf("of A's audio %.0f %% is heard", 100*got)
		}
	}
}

// A restart asks servers again (RFC 8445 §9): one that was dead before, and what a NAT has forgotten is found anew.
func TestRestartAsksAgain(t *testing.T) {
	t.Parallel()
	for _, trickle := range []string{"true", "false"} {
		r := signalled(t, detour("100s", "85s..100s", "0s..75s", "ice: {at: T, trickle: "+trickle+", pool: true}\nsignalling: {at: S, offers: [{by: A, at: 41s}, {by: A, at: 87s, restart: true}]}\n"))
		if pairs := pairsOf(r, "A"); len(pairs) != 2 || !strings.Contains(pairs[1], "relay") {
			t.Errorf("trickle: %s: A goes by %q", trickle, pairs)
		}
		if got := heardOf(r, "B/audio", 91); got < 1 {
			t.Errorf("trickle: %s: of B's audio %.0f %% is heard in the end", trickle, 100*got)
		}
		for _, end := range []string{"A", "B"} {
			if relayed := lastOf(r, end, record.CandidateGathered); !strings.HasPrefix(relayed, "relay ") {
				t.Errorf("trickle: %s: %s has gathered %q last", trickle, end, relayed)
			}
		}
	}

	// The way to the server is another one when A's NAT has forgotten it: there is another allocation, and the offer waits for it.
	text := gatheredCall(symmetric+", timeout: 30s", "", "signalling: {at: M, offers: [{by: A, at: 1s}, {by: A, at: 60s, restart: true}]}\nice: {at: S, trickle: false}\n")
	r := signalled(t, strings.Replace(text, "duration: 30s", "duration: 70s", 1))
	offer := ""
	for _, m := range r.Messages {
		if m.From == "A" && strings.HasPrefix(m.Title, "OFFER 2") {
			offer = m.Text
		}
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(lastOf(r, "A", record.CandidateGathered), "relay "), ",")
	if ip, port, _ := strings.Cut(address, ":"); port == "" || !strings.Contains(offer, ip+" "+port+" typ relay") || strings.Count(offer, "typ relay") != 1 {
		t.Errorf("A has %s, and its offer says %s", address, offer)
	}
}

// lastOf returns what the last event of a kind at an endpoint says.
func lastOf(r *record.Record, entity, kind string) (detail string) {
	for _, e := range r.Events {
		if e.Entity == entity && e.Kind == kind {
			detail = e.Detail
		}
	}
	return detail
}

// RFC 8445 §5.1.1.4: candidates that were gathered long before the call hold, as servers are asked again before NATs forget.
func TestPoolIsKeptAlive(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"turn: false", "trickle: false", "trickle: false, policy: relay"} {
		text := gatheredCall(independent+", port-preservation: false", independent+", port-preservation: false",
			"signalling: {at: M, offers: [{by: A, at: 330s}]}\nice: {at: S, pool: true, "+more+"}\n")
		r := signalled(t, strings.Replace(text, "duration: 30s", "duration: 350s", 1))
		for _, end := range []string{"A", "B"} {
			if got := heardOf(r, end+"/audio", 334); got < 1 {
				t.Errorf("%s: of %s's audio %.0f %% is heard", more, end, 100*got)
			}
		}
	}
}

// A first attempt that came to nothing is made good by the next offer, whoever makes it, restart or not.
func TestFailedAttemptIsRepaired(t *testing.T) {
	t.Parallel()
	for _, servers := range []string{"", "ice: {at: T, turn: false}\n"} {
		for _, offer := range []string{"by: A, at: 70s", "by: B, at: 70s", "by: A, at: 70s, restart: true", "by: B, at: 70s, restart: true"} {
			r := signalled(t, detour("85s", "0s..60s", "84s..85s", servers+"signalling: {at: S, offers: [{by: A, at: 1s}, {"+offer+"}, {by: A, at: 75s}]}\n"))
			for _, end := range []string{"A", "B"} {
				if got := heardOf(r, end+"/audio", 73); got < 0.9 {
					t.Errorf("%q, %s: of %s's audio %.0f %% is heard", servers, offer, end, 100*got)
				}
				for _, e := range r.Events {
					if e.Kind == record.NegotiationFailed {
						t.Errorf("%q, %s: %+v", servers, offer, e)
					}
				}
			}
		}
	}
}

// RFC 8838 §8, §13: with each set of credentials an end says once that there are no more candidates, and nothing after it; nothing
// is told twice; and nobody gives up while candidates are on their way.
func TestEndOfCandidates(t *testing.T) {
	t.Parallel()
	r := signalled(t, gatheredCall(independent, symmetric, "signalling: {at: M, offers: [{by: A, at: 1s}, {by: B, at: 10s, restart: true}]}\nice: {at: S}\n"))
	fragment := regexp.MustCompile(`a=ice-ufrag:(\S+?)\\r`)
	ended, told := map[string]bool{}, map[string]bool{}
	for _, m := range r.Messages {
		found := fragment.FindStringSubmatch(m.Text)
		if m.From == "server" || found == nil {
			continue
		}
		of := m.From + " " + found[1]
		if ended[of] {
			t.Errorf("%s comes after the end of %s", m.Title, of)
		}
		for _, c := range regexp.MustCompile(`a=candidate:[^\\]*`).FindAllString(m.Text, -1) {
			if told[of+c] {
				t.Errorf("%s tells %s again", m.Title, c)
			}
			told[of+c] = true
		}
		ended[of] = ended[of] || strings.Contains(m.Text, "a=end-of-candidates")
	}
	if len(ended) != 4 || len(told) != 12 { // two ends, twice, with three candidates each
		t.Errorf("%d sets of credentials with %d candidates: %v", len(ended), len(told), told)
	}
	for of, over := range ended {
		if !over {
			t.Errorf("%s has no end", of)
		}
	}

	// B's only candidate is known at 32 s, and A hears of it at 47 s, 45 s after it has begun to wait.
	late := signalled(t, detour("120s", "119s..120s", "0s..32s", "signalling: {at: S, peers: {A: {poll: 45s, phase: 2050ms}}, offers: [{by: A, at: 1s}]}\nice: {at: T, policy: relay}\n"))
	for _, end := range []string{"A", "B"} {
		if got := heardOf(late, end+"/audio", 100); got < 1 {
			t.Errorf("of %s's audio %.0f %% is heard", end, 100*got)
		}
	}
}
