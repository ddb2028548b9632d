package tmmbr_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	media      = 0x1000 // the media sender
	a, b, c, d = 0xa, 0xb, 0xc, 0xd

	rtt    = 100 * time.Millisecond
	dither = 30 * time.Millisecond
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

func kbps(owner uint32, rate units.BitRate, overhead units.Bytes) tmmbr.Tuple {
	return tmmbr.Tuple{SSRC: owner, MxTBR: rate * units.Kbps, Overhead: overhead}
}

func request(owner uint32, rate units.BitRate, overhead units.Bytes) *wire.TMMBR {
	return &wire.TMMBR{SenderSSRC: owner, Limits: []wire.Limit{kbps(media, rate, overhead)}}
}

// requested returns a media sender that has had these requests.
func requested(t *testing.T, limits ...tmmbr.Tuple) *tmmbr.Sender {
	t.Helper()
	s := tmmbr.NewSender(media, 0)
	for _, l := range limits {
		m := &wire.TMMBR{SenderSSRC: l.SSRC, Limits: []wire.Limit{{SSRC: media, MxTBR: l.MxTBR, Overhead: l.Overhead}}}
		if !s.OnRequest(m) {
			t.Fatal("the request isn't taken")
		}
	}
	return s
}

func wantSet(t *testing.T, s *tmmbr.Sender, want ...tmmbr.Tuple) {
	t.Helper()
	if got := s.Set(); !slices.Equal(got, want) {
		t.Errorf("bounding set %v, want %v", got, want)
	}
}

// wantLimit checks what holds at 20 packets/s; -1 stands for nothing.
func wantLimit(t *testing.T, s *tmmbr.Sender, want units.BitRate) {
	t.Helper()
	got, ok := s.NetLimit(20)
	if !ok {
		got = -1
	}
	if got != want {
		t.Errorf("limit %d bit/s at 20 packets/s, want %d", got, want)
	}
}

// §3.5.4.2: the example of the text. Both tuples stay, A is the stricter one
// below 31.25 packets/s, B above.
//
// conformance: CNF-5.1.6-3
func TestWorkedExample(t *testing.T) {
	ta, tb := kbps(a, 35, 40), kbps(b, 40, 60)
	s := requested(t, tb, ta)
	wantSet(t, s, ta, tb)
	wantLimit(t, s, 28_600)
	if net, _ := tmmbr.NetRate([]tmmbr.Tuple{tb}, 20); net != 30_400 {
		t.Errorf("B alone allows %d bit/s", net)
	}
	for _, order := range [][2]tmmbr.Tuple{{ta, tb}, {tb, ta}} {
		if rate, ok := tmmbr.SwitchOver(order[0], order[1]); rate != 31.25 || !ok {
			t.Errorf("switch-over at %v packets/s, %v", rate, ok)
		}
	}
	for rate, owner := range map[float64]uint32{0: a, 20: a, 31.2: a, 31.3: b, 80: b} {
		if got, ok := s.Binding(rate); got.SSRC != owner || !ok {
			t.Errorf("at %v packets/s %x binds, want %x", rate, got.SSRC, owner)
		}
	}
	// With 20 octets of overhead at this end's layer: 28600 + 20*8*20.
	if total, ok := s.TotalLimit(20, 20); total != 31_800 || !ok {
		t.Errorf("total limit %d", total)
	}
}

// §3.5.4.2, figure 1: C, parallel to A and further out, doesn't count; nor does
// one that the session's maximum packet rate leaves outside.
func TestFigure1(t *testing.T) {
	ta, tb, tc := kbps(a, 35, 40), kbps(b, 40, 60), kbps(c, 36, 40)
	wantSet(t, requested(t, ta, tb, tc), ta, tb)
	for _, limit := range []struct {
		rate int
		want []tmmbr.Tuple
	}{{31, []tmmbr.Tuple{ta}}, {32, []tmmbr.Tuple{ta, tb}}} {
		s := tmmbr.NewSender(media, limit.rate)
		s.OnRequest(request(a, 35, 40))
		s.OnRequest(request(b, 40, 60))
		wantSet(t, s, limit.want...)
	}
}

// §3.5.4.2, steps 1 to 8, each where it decides.
func TestInitialAlgorithm(t *testing.T) {
	for name, x := range map[string]struct{ in, want []tmmbr.Tuple }{
		"1: by overhead":             {[]tmmbr.Tuple{kbps(b, 40, 60), kbps(a, 35, 40)}, []tmmbr.Tuple{kbps(a, 35, 40), kbps(b, 40, 60)}},
		"2: the lower of parallels":  {[]tmmbr.Tuple{kbps(a, 50, 40), kbps(b, 40, 40)}, []tmmbr.Tuple{kbps(b, 40, 40)}},
		"3: highest overhead first":  {[]tmmbr.Tuple{kbps(a, 30, 20), kbps(b, 30, 40)}, []tmmbr.Tuple{kbps(b, 30, 40)}},
		"4: no lower overhead":       {[]tmmbr.Tuple{kbps(a, 90, 0), kbps(b, 30, 40)}, []tmmbr.Tuple{kbps(b, 30, 40)}},
		"7: cut off by a later one":  {[]tmmbr.Tuple{kbps(a, 30, 20), kbps(b, 39, 40), kbps(c, 40, 60)}, []tmmbr.Tuple{kbps(a, 30, 20), kbps(c, 40, 60)}},
		"7: through a common corner": {[]tmmbr.Tuple{kbps(a, 30, 20), kbps(b, 35, 40), kbps(c, 40, 60)}, []tmmbr.Tuple{kbps(a, 30, 20), kbps(c, 40, 60)}},
		"8: beyond the axis":         {[]tmmbr.Tuple{kbps(a, 16, 20), kbps(b, 40, 50)}, []tmmbr.Tuple{kbps(a, 16, 20)}},
		"8: at the axis":             {[]tmmbr.Tuple{kbps(a, 16, 20), kbps(b, 32, 40)}, []tmmbr.Tuple{kbps(a, 16, 20)}},
		"8: lines without slope":     {[]tmmbr.Tuple{kbps(a, 16, 0), kbps(b, 32, 40)}, []tmmbr.Tuple{kbps(a, 16, 0), kbps(b, 32, 40)}},
		"nothing is left":            {[]tmmbr.Tuple{kbps(a, 0, 20), kbps(b, 40, 60)}, []tmmbr.Tuple{kbps(a, 0, 20)}},
		"equal ones":                 {[]tmmbr.Tuple{kbps(b, 30, 20), kbps(a, 30, 20)}, []tmmbr.Tuple{kbps(b, 30, 20)}},
	} {
		if got := tmmbr.BoundingSet(slices.Clone(x.in), 0); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}

// §4.2.2.2: each request is answered, also one that changes nothing and one that
// is repeated; a single TMMBN answers all that came before it.
//
// conformance: CNF-5.1.6-3
func TestEveryRequestIsAnswered(t *testing.T) {
	s := tmmbr.NewSender(media, 0)
	if s.Pending() {
		t.Error("a TMMBN is due before any request")
	}
	for i, owner := range []uint32{a, a, c} { // new, repeated, not bounding
		s.OnRequest(request(owner, 35+units.BitRate(owner-a), 40))
		if !s.Pending() {
			t.Fatalf("request %d isn't answered", i)
		}
		m := s.Notify(ms(i), rtt, dither)
		if m.SenderSSRC != media || !slices.Equal(m.Limits, []wire.Limit{kbps(a, 35, 40)}) {
			t.Errorf("answer %d: %v", i, m)
		}
		if s.Pending() {
			t.Error("and another one is due")
		}
	}
	s.OnRequest(request(b, 40, 60))
	s.OnRequest(request(d, 30, 40))
	if m := s.Notify(ms(5), rtt, dither); !slices.Equal(m.Limits, []wire.Limit{kbps(d, 30, 40), kbps(b, 40, 60)}) {
		t.Errorf("one answer to both: %v", m)
	}
}

// §4.2.1.2: entries for other media senders aren't ours, nor is what our own
// SSRC seems to ask for.
func TestRequestsForOthers(t *testing.T) {
	s := tmmbr.NewSender(media, 0)
	m := &wire.TMMBR{SenderSSRC: a, Limits: []wire.Limit{kbps(media+1, 10, 40)}}
	if s.OnRequest(m) || s.Pending() {
		t.Error("taken from another media sender")
	}
	m.Limits = append(m.Limits, kbps(media, 20, 40))
	if !s.OnRequest(m) || !s.Pending() {
		t.Error("our entry isn't found behind another one")
	}
	wantSet(t, s, kbps(a, 20, 40))
	m.SenderSSRC = media
	if s.OnRequest(m) {
		t.Error("our own request came back and was taken")
	}
}

// A lower limit holds at once.
//
// conformance: CNF-5.1.6-1
func TestLoweringHoldsAtOnce(t *testing.T) {
	s := requested(t, kbps(a, 100, 40))
	wantLimit(t, s, 93_600) // 100000 - 20*8*40
	s.Notify(ms(0), rtt, dither)
	s.OnRequest(request(a, 50, 40))
	wantLimit(t, s, 43_600)
	s.OnRequest(request(b, 30, 40))
	wantLimit(t, s, 23_600)
	s.OnRequest(request(c, 0, 40))
	wantLimit(t, s, 0)
}

// §4.2.1.2: before a raise counts, receivers have 2*RTT + T_dither_max from the
// TMMBN on to object, between two parties as well.
//
// conformance: CNF-5.1.6-4
func TestRaiseWaits(t *testing.T) {
	s := requested(t, kbps(a, 50, 40))
	s.Notify(ms(0), rtt, dither)
	if s.NextTimeout() != simtime.Never {
		t.Errorf("a deadline at %v", s.NextTimeout())
	}
	s.OnRequest(request(a, 100, 40))
	wantSet(t, s, kbps(a, 100, 40))
	s.HandleTimeout(ms(1000)) // nothing was sent: nobody knows
	wantLimit(t, s, 43_600)
	if s.NextTimeout() != simtime.Never {
		t.Errorf("a deadline at %v before the TMMBN", s.NextTimeout())
	}
	s.Notify(ms(1000), rtt, dither)
	if s.NextTimeout() != ms(1230) {
		t.Errorf("deadline %v, want 1.230 s", s.NextTimeout())
	}
	s.OnRequest(request(a, 100, 40)) // the answer was lost
	s.Notify(ms(1100), rtt, dither)
	s.HandleTimeout(ms(1229))
	wantLimit(t, s, 43_600)
	if _, ok := s.Binding(20); !ok {
		t.Error("nothing binds")
	}
	s.HandleTimeout(ms(1230))
	wantLimit(t, s, 93_600)
	if s.NextTimeout() != simtime.Never {
		t.Errorf("a deadline at %v is left", s.NextTimeout())
	}
}

// §3.5.4.2, last paragraphs: A hides C. When A is raised above C, C hears of it
// and asks within the wait; the limit never exceeds C's.
//
// conformance: CNF-5.1.6-4
func TestHiddenTupleComesForward(t *testing.T) {
	s := tmmbr.NewSender(media, 0)
	ra := tmmbr.NewReceiver(tmmbr.ReceiverConfig{SSRC: a, Media: media, Overhead: 40})
	rc := tmmbr.NewReceiver(tmmbr.ReceiverConfig{SSRC: c, Media: media, Overhead: 40})
	tell := func(now simtime.Time) {
		m := s.Notify(now, rtt, dither)
		m.Limits = slices.Clone(m.Limits)
		ra.OnNotification(&m)
		rc.OnNotification(&m)
	}
	ask := func(r *tmmbr.Receiver, ssrc uint32) {
		s.OnRequest(&wire.TMMBR{SenderSSRC: ssrc, Limits: []wire.Limit{r.Request()}})
	}
	ra.SetLimit(30 * units.Kbps)
	ask(ra, a)
	tell(ms(0))
	rc.SetLimit(40 * units.Kbps)
	wantState(t, ra, tmmbr.Owner)
	wantState(t, rc, tmmbr.Suppressed)
	ra.SetLimit(90 * units.Kbps)
	wantState(t, ra, tmmbr.Asking)
	ask(ra, a)
	tell(ms(100))
	wantState(t, rc, tmmbr.Asking)
	wantLimit(t, s, 23_600)
	ask(rc, c) // an RTT later
	tell(ms(200))
	wantState(t, ra, tmmbr.Suppressed)
	wantState(t, rc, tmmbr.Owner)
	s.HandleTimeout(ms(330))
	wantLimit(t, s, 33_600)
}

// §4.2.2.2: who leaves takes its tuple along; a TMMBN says so, empty when none
// is left. That is a raise, too.
//
// conformance: CNF-5.1.6-5
func TestOwnerLeaves(t *testing.T) {
	s := requested(t, kbps(a, 35, 40), kbps(b, 40, 60))
	s.Notify(ms(0), rtt, dither)
	s.OnGone(c)
	if s.Pending() {
		t.Error("a stranger's departure is told")
	}
	s.OnGone(a)
	if !s.Pending() {
		t.Error("the owner's isn't")
	}
	if m := s.Notify(ms(10), rtt, dither); !slices.Equal(m.Limits, []wire.Limit{kbps(b, 40, 60)}) {
		t.Errorf("%v", m)
	}
	wantLimit(t, s, 28_600)
	s.HandleTimeout(ms(240))
	wantLimit(t, s, 30_400)
	s.OnGone(b)
	if m := s.Notify(ms(300), rtt, dither); !s.Pending() && len(m.Limits) != 0 {
		t.Errorf("%v", m)
	}
	wantLimit(t, s, 30_400)
	s.HandleTimeout(ms(530))
	wantLimit(t, s, -1)
}

// §4.2.2.2: the algorithm is applied to the previous set and to what came since
// the last TMMBN; what didn't enter the set is forgotten (§3.5.4.6).
func TestWhatIsKept(t *testing.T) {
	s := requested(t, kbps(a, 30, 40), kbps(c, 40, 40))
	wantSet(t, s, kbps(a, 30, 40))
	s.OnRequest(request(a, 90, 40)) // before the TMMBN: C is still known
	wantSet(t, s, kbps(c, 40, 40))
	s.Notify(ms(0), rtt, dither)
	s.OnGone(c) // A's 90 kbit/s wasn't saved
	wantSet(t, s)
}

// §4.2.1.2: a media sender may limit itself, and has to tell of changes.
func TestOwnLimit(t *testing.T) {
	s := requested(t, kbps(a, 90, 40))
	s.Notify(ms(0), rtt, dither)
	s.SetOwn(60*units.Kbps, 40)
	if m := s.Notify(ms(0), rtt, dither); !slices.Equal(m.Limits, []wire.Limit{kbps(media, 60, 40)}) {
		t.Errorf("%v", m)
	}
	s.SetOwn(70*units.Kbps, 1000)
	wantSet(t, s, kbps(media, 70, 511))
	s.SetOwn(1_000_001, 40) // as it will be read from the TMMBN
	wantSet(t, s, kbps(media, 1000, 40))
	s.OnGone(media)
	if !s.Pending() {
		t.Error("nobody is told that the own limit is gone")
	}
	wantSet(t, s)
}

// RFC 8108 §5.4.1: a limit is lifted by the SSRC that set it, not by another one
// of the same endpoint.
//
// conformance: RTP-4.1-24
func TestLimitBelongsToAnSSRC(t *testing.T) {
	s := requested(t, kbps(a, 30, 40))
	s.Notify(ms(0), rtt, dither)
	s.OnRequest(request(b, 90, 40))
	s.Notify(ms(0), rtt, dither)
	s.OnGone(b)
	s.HandleTimeout(ms(10_000))
	wantSet(t, s, kbps(a, 30, 40))
	wantLimit(t, s, 23_600)
}

func wantState(t *testing.T, r *tmmbr.Receiver, want tmmbr.State) {
	t.Helper()
	if got := r.State(); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func receiver(config tmmbr.ReceiverConfig) *tmmbr.Receiver {
	config.SSRC, config.Media = a, media
	return tmmbr.NewReceiver(config)
}

func notify(limits ...tmmbr.Tuple) *wire.TMMBN { return &wire.TMMBN{SenderSSRC: media, Limits: limits} }

// §4.2.1.2: avg_OH (new) = 15/16*avg_OH (old) + 1/16*pckt_OH, and the current
// value goes with each request.
func TestMeasuredOverhead(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{Overhead: 48})
	r.SetLimit(100 * units.Kbps)
	if got := r.Request(); got != kbps(media, 100, 48) {
		t.Errorf("%v before any packet", got)
	}
	r.Observe(40)
	if got := r.Overhead(); got != 40 {
		t.Errorf("%d after the first packet", got)
	}
	want := 40.0
	for range 60 {
		r.Observe(72)
		want = 15.0/16*want + 72.0/16
		if got := float64(r.Overhead()); got < want-0.01 || got > want+1 {
			t.Fatalf("%v, want %v rounded up", got, want)
		}
	}
	if got := r.Request(); got.Overhead != r.Overhead() {
		t.Errorf("%v with an average of %d", got, r.Overhead())
	}
	for range 200 {
		r.Observe(40)
	}
	if got := r.Overhead(); got != 40 {
		t.Errorf("%d in the end", got)
	}
	for range 500 {
		r.Observe(5000)
	}
	if got := r.Overhead(); got != 511 {
		t.Errorf("%d doesn't fit the field", got)
	}
}

// §4.2.1.2: never above what was negotiated; on the wire 17 bits count, and they
// round down.
func TestNegotiatedMaximum(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{MaxRate: 2 * units.Mbps})
	r.SetLimit(3 * units.Mbps)
	if got := r.Request().MxTBR; got != 2*units.Mbps {
		t.Errorf("asks for %d", got)
	}
	r.SetLimit(1_000_001)
	if got := r.Request().MxTBR; got != units.Mbps {
		t.Errorf("asks for %d", got)
	}
}

// §4.2.1.2: when a receiver MAY ask: before any TMMBN; as an owner whose values
// change; as somebody else if its tuple belonged to the set.
//
// conformance: CNF-5.1.6-2
func TestWhenToAsk(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{Overhead: 40})
	wantState(t, r, tmmbr.Unlimited)
	r.SetLimit(50 * units.Kbps)
	wantState(t, r, tmmbr.Asking) // none came yet
	r.OnNotification(notify(kbps(b, 30, 40)))
	wantState(t, r, tmmbr.Suppressed)
	r.OnNotification(notify(kbps(b, 50, 40))) // equal: the other one's counts
	wantState(t, r, tmmbr.Suppressed)
	r.OnNotification(notify(kbps(b, 50, 20)))
	wantState(t, r, tmmbr.Asking)
	r.OnNotification(notify()) // "every remaining media receiver"
	wantState(t, r, tmmbr.Asking)
	r.OnNotification(notify(kbps(b, 70, 60), kbps(a, 50, 40)))
	wantState(t, r, tmmbr.Owner)
	r.SetLimit(50 * units.Kbps)
	wantState(t, r, tmmbr.Owner)
	r.SetLimit(60 * units.Kbps)
	wantState(t, r, tmmbr.Asking)
	r.OnNotification(notify(kbps(a, 60, 40)))
	wantState(t, r, tmmbr.Owner)
	for range 100 {
		r.Observe(44)
	}
	wantState(t, r, tmmbr.Owner)
	for range 100 {
		r.Observe(46)
	}
	wantState(t, r, tmmbr.Asking)
	r.OnNotification(notify(kbps(a, 60, 50)))
	wantState(t, r, tmmbr.Owner)
	r.OnNotification(notify(kbps(a, 60, 51)))
	wantState(t, r, tmmbr.Asking)
	r.OnNotification(&wire.TMMBN{SenderSSRC: media + 1}) // somebody else's
	if len(r.Bounds()) != 1 {
		t.Errorf("saved %v", r.Bounds())
	}
}

// §4.2.1.3: the first request may go early, repetitions go with regular RTCP,
// until a TMMBN shows that it was heard.
func TestRepetition(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{Overhead: 40})
	r.SetLimit(50 * units.Kbps)
	r.Request()
	wantState(t, r, tmmbr.Repeating)
	r.Request()
	wantState(t, r, tmmbr.Repeating)
	r.OnNotification(notify(kbps(b, 90, 40))) // crossed the request, or that was lost
	wantState(t, r, tmmbr.Repeating)
	r.SetLimit(45 * units.Kbps) // the value may change
	wantState(t, r, tmmbr.Asking)
	r.Request()
	r.OnNotification(notify(kbps(a, 50, 40)))
	wantState(t, r, tmmbr.Repeating)
	r.OnNotification(notify(kbps(a, 45, 40)))
	wantState(t, r, tmmbr.Owner)
	r.SetLimit(40 * units.Kbps)
	r.Request()
	r.OnNotification(notify(kbps(b, 10, 40))) // stricter
	wantState(t, r, tmmbr.Suppressed)
	r.OnNotification(notify())
	wantState(t, r, tmmbr.Asking)
}

// A peer that never answers isn't asked for ever.
func TestGivingUp(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{Overhead: 40, Requests: 3})
	r.SetLimit(50 * units.Kbps)
	for _, want := range []tmmbr.State{tmmbr.Repeating, tmmbr.Repeating, tmmbr.Unanswered} {
		r.Request()
		wantState(t, r, want)
	}
	r.SetLimit(40 * units.Kbps)
	wantState(t, r, tmmbr.Asking)
	r.Request()
	wantState(t, r, tmmbr.Repeating)
	r.OnGone()
	wantState(t, r, tmmbr.Asking)
	if len(r.Bounds()) != 0 {
		t.Error("remembers who has left")
	}
}

// There is no message that withdraws a limit; it is raised to the maximum.
func TestLift(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{Overhead: 40, MaxRate: 2 * units.Mbps})
	r.SetLimit(50 * units.Kbps)
	r.Lift()
	wantState(t, r, tmmbr.Unlimited) // nobody knows of it
	r.SetLimit(50 * units.Kbps)
	r.Request()
	r.OnNotification(notify(kbps(a, 50, 40)))
	r.Lift()
	wantState(t, r, tmmbr.Asking)
	if got := r.Request(); got != kbps(media, 2000, 40) {
		t.Errorf("asks for %v", got)
	}
	wantState(t, r, tmmbr.Repeating)
	r.OnNotification(notify(kbps(a, 2000, 40)))
	wantState(t, r, tmmbr.Unlimited)
	for range 100 {
		r.Observe(60)
	}
	wantState(t, r, tmmbr.Unlimited)
	r.OnNotification(notify())
	wantState(t, r, tmmbr.Unlimited)
	// If the limit has gone otherwise, there is nothing to raise any more.
	r.SetLimit(50 * units.Kbps)
	r.Request()
	r.OnNotification(notify(kbps(a, 50, 60)))
	r.Lift()
	r.Request()
	r.OnNotification(notify())
	wantState(t, r, tmmbr.Unlimited)
}

// A limit that somebody with this SSRC left behind is raised.
func TestForeignLegacy(t *testing.T) {
	r := receiver(tmmbr.ReceiverConfig{MaxRate: 2 * units.Mbps})
	r.OnNotification(notify(kbps(a, 50, 40)))
	wantState(t, r, tmmbr.Asking)
	if got := r.Request().MxTBR; got != 2*units.Mbps {
		t.Errorf("asks for %d", got)
	}
}
