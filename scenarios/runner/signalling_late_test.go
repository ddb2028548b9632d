package runner_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// An answer may come when the offer has been given up: then one end alone believes in an agreement, and has begun a handshake
// that the other end may or may not have heard of. The next agreement makes a call of it, whoever offers.
func TestAgreementsAfterLateAnswers(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the answer is lost": strings.Replace(signalledCall, "    b:", "    s: {between: [M, S], rate: 10Mbps, delay: 5ms, backward: {impairments: [{type: outage, during: [1080ms..40s]}]}}\n    b:", 1) +
			"signalling: {at: S, offers: [{by: A, at: 1s}, {by: B, at: 45s}, {by: A, at: 80s}]}\n",
		"the answer waits": signalledCall + "signalling: {at: M, peers: {A: {poll: 40s}}, offers: [{by: A, at: 1s}, {by: B, at: 35s}, {by: A, at: 100s}]}\n",
		"so does the handshake": strings.Replace(signalledCall, "delay: 25ms}", "delay: 25ms, backward: {impairments: [{type: outage, during: [1120ms..34s]}]}}", 1) +
			"signalling: {at: M, peers: {A: {poll: 50s}}, offers: [{by: A, at: 1s}, {by: A, at: 2s}]}\n",
		"a telephone gives up": signalledCall + "signalling: {at: M, by: gateway, peers: {A: {poll: 50s, phase: 40s}}, offers: [{by: B, at: 1s}, {by: A, at: 60s}, {by: B, at: 120s}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signalled(t, strings.Replace(text, "duration: 40s", "duration: 240s", 1))
			for _, end := range []string{"A", "B"} {
				if math.IsNaN(firstEvent(r, end, "keys-agreed")) || !math.IsNaN(firstEvent(r, end, "keying-failed")) {
					t.Errorf("%s has no keys: %v", end, r.Events)
				}
				if rate := r.Find(end+"/audio", record.SendRate).Values; rate[len(rate)-10] < 10_000 {
					t.Errorf("%s sends %v bit/s in the end", end, rate[len(rate)-10])
				}
			}
			for _, e := range r.Events {
				if strings.Contains(e.Detail, "a=setup") {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// indications counts binding indications of STUN.
type indications struct {
	fabric.Observer
	times []simtime.Time
}

func (i *indications) PacketSent(now simtime.Time, p *packet.Packet) {
	if b := p.Payload; p.Protocol == packet.UDP && len(b) == 20 && b[0] == 0 && b[1] == 0x11 {
		i.times = append(i.times, now)
	}
}

// A way that the other end's packets have come by already needn't be opened.
func TestNoOpeningBehindTheHandshake(t *testing.T) {
	for peers, most := range map[string]int{"{A: {poll: 5s}}": 0, "{}": 2} {
		watch := &indications{Observer: fabric.Nobody}
		runWatched(t, signalledCall+"signalling: {at: M, peers: "+peers+", offers: [{by: A, at: 1s}]}\n", watch)
		if len(watch.times) > most {
			t.Errorf("%s: %d indications, at %v", peers, len(watch.times), watch.times)
		}
	}
}

// Who has left doesn't agree on anything any more, and the other end is told.
func TestSignallingOfWhoHasLeft(t *testing.T) {
	for _, by := range []string{"server", "gateway"} {
		r := signalled(t, strings.Replace(signalledCall, "B: {at: B}", "B: {at: B, leaves: 5s}", 1)+
			"signalling: {at: M, by: "+by+", offers: [{by: A, at: 1s}, {by: A, at: 8s}, {by: B, at: 9s}]}\n")
		if !slices.ContainsFunc(r.Messages, func(m record.Message) bool { return m.To == "A" && strings.HasPrefix(m.Title, "SHUTDOWN") }) {
			t.Errorf("%s: A isn't told: %v", by, r.Messages)
		}
		for _, e := range r.Events {
			if e.At > simtime.At(5_100_000_000) && (e.Kind == record.OfferAccepted || e.Kind == record.OfferSent) {
				t.Errorf("%s: %+v", by, e)
			}
		}
	}
}

// A change that is cancelled for the other end's isn't made: what a peer sends stays as it was, whatever is agreed on later.
func TestCancelledChangesAreNotMade(t *testing.T) {
	cancelled := 0
	for seed := range 8 {
		r := signalled(t, strings.Replace(signalledCall, "duration: 40s", "duration: 20s\nseed: "+string(rune('1'+seed)), 1)+
			"signalling: {at: M, by: gateway, gateway: {values: true}, user-agent: {values: true}, offers: [{by: A, at: 1s}, {by: A, at: 5s}, {by: B, at: 5035ms, sends: []}, {by: A, at: 10s}]}\n")
		rate := r.Find("B/audio", record.SendRate).Values
		last := rate[len(rate)-10]
		if c := !math.IsNaN(firstEvent(r, "B", record.ChangeCancelled)); c != (last > 0) {
			t.Errorf("seed %d: cancelled %t, and B sends %v bit/s", seed+1, c, last)
		} else if c {
			cancelled++
		}
	}
	if cancelled == 0 || cancelled == 8 {
		t.Errorf("%d of 8 were cancelled", cancelled)
	}
}
