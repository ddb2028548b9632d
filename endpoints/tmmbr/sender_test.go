package tmmbr_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// With payloads of 1000 octets and 40 of overhead the net rate is 1000/1040 of
// the total. A flow of these packets has that total rate.
func TestLimitOfSize(t *testing.T) {
	s := requested(t, kbps(a, 104, 40), kbps(b, 150, 511))
	net, ok := s.NetLimitOfSize(1000)
	if net != 99_272 || !ok { // B: 150000*1000/1511; A: 100000
		t.Errorf("%d, %v", net, ok)
	}
	for _, payload := range []units.Bytes{1, 10, 100, 1200} {
		net, _ := s.NetLimitOfSize(payload)
		at, _ := s.NetLimit(float64(net) / float64(8*payload))
		if math.Abs(float64(at-net)) > 600 { // a bit/s more or less of the small payload
			t.Errorf("payloads of %d: %d bit/s, at that packet rate %d", payload, net, at)
		}
	}
	if _, ok := tmmbr.NewSender(media, 0).NetLimitOfSize(1000); ok {
		t.Error("a limit without any request")
	}
}

// netOf is a set's limit at 20 packets/s; a set without tuples allows anything.
func netOf(tuples []tmmbr.Tuple) units.BitRate {
	if net, ok := tmmbr.NetRate(tuples, 20); ok {
		return net
	}
	return math.MaxInt64
}

// Whatever receivers ask, at random: what is in force is the least of all limits
// that held at some time within the last wait.
func TestRaisesWaitAndNothingElse(t *testing.T) {
	r := rng.New(11).Stream("requests")
	type step struct {
		limit units.BitRate
		until simtime.Time // when another one took its place
	}
	raised := 0
	for range 50 {
		s := tmmbr.NewSender(media, 0)
		log := []step{{netOf(nil), simtime.Never}}
		now := ms(0)
		for range 200 {
			now = now.Add(time.Duration(r.Uniform(0, 200) * 1e6))
			s.HandleTimeout(now)
			if r.Bool(0.2) {
				s.OnGone(1 + r.Uint32()%6)
			} else {
				s.OnRequest(request(1+r.Uint32()%6, units.BitRate(10+r.Uint32()%90), units.Bytes(r.Uint32()%80)))
			}
			if s.Pending() {
				s.Notify(now, rtt, dither)
			}
			log[len(log)-1].until = now
			log = append(log, step{netOf(s.Set()), simtime.Never})
			want := units.BitRate(math.MaxInt64)
			for _, l := range log {
				if l.until.Add(2*rtt+dither) > now {
					want = min(want, l.limit)
				}
			}
			got, ok := s.NetLimit(20)
			if !ok {
				got = math.MaxInt64
			}
			if got != want {
				t.Fatalf("at %v the limit is %d, want %d", now, got, want)
			}
			if want < netOf(s.Set()) {
				raised++
			}
		}
	}
	if raised < 1000 {
		t.Errorf("only %d raises had to wait", raised)
	}
}

// Peers can't make a sender remember more and more. Who is forgotten hears the
// next TMMBN and asks again.
func TestMemoryOfRequests(t *testing.T) {
	s := requested(t, kbps(1, 10, 40), kbps(2, 20, 40))
	for i := range uint32(1022) {
		s.OnRequest(request(3+i, 30, 40))
	}
	s.OnGone(1)
	wantSet(t, s, kbps(2, 20, 40))
	s.OnRequest(request(1, 10, 40))
	s.OnRequest(request(5000, 40, 40)) // one too many
	s.OnGone(1)
	wantSet(t, s, kbps(5000, 40, 40))
}

// A peer that raises its limit every millisecond waits longer for it.
func TestMemoryOfRaises(t *testing.T) {
	for _, c := range []struct {
		raises int
		want   units.BitRate // after the first wait and before the second one ends
	}{{50, 101 * units.Kbps}, {100, 100 * units.Kbps}} {
		s := tmmbr.NewSender(media, 0)
		for i := range c.raises + 1 {
			s.OnRequest(request(a, units.BitRate(100+i), 0))
			s.Notify(ms(i), rtt, dither)
		}
		s.HandleTimeout(ms(1 + 230))
		wantLimit(t, s, c.want)
		s.HandleTimeout(ms(c.raises + 230))
		wantLimit(t, s, units.BitRate(100+c.raises)*units.Kbps)
	}
}

// In the steady state requests are taken and answered without allocating.
func TestAllocations(t *testing.T) {
	s := requested(t, kbps(a, 35, 40), kbps(b, 40, 60), kbps(c, 90, 10))
	requests := []*wire.TMMBR{request(a, 35, 40), request(b, 45, 60), request(b, 40, 60)}
	now := ms(0)
	n := testing.AllocsPerRun(100, func() {
		for _, m := range requests {
			now = now.Add(time.Second)
			s.OnRequest(m)
			s.Notify(now, rtt, dither)
			s.HandleTimeout(now)
			s.NetLimit(20)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// No order of messages, however odd, breaks a sender or a receiver.
func FuzzExchange(f *testing.F) {
	f.Add([]byte{0, 1, 40, 20, 2, 0, 0, 0, 0, 1, 90, 20, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := tmmbr.NewSender(media, 100)
		r := receiver(tmmbr.ReceiverConfig{Overhead: 40, Requests: 3})
		now := ms(0)
		for b = b[:min(len(b), 160)]; len(b) >= 4; b = b[4:] {
			owner, rate, overhead := uint32(b[1]%8), units.BitRate(b[2])*units.Kbps, units.Bytes(b[3])*2
			now = now.Add(time.Duration(b[1]) * time.Millisecond)
			switch b[0] % 8 {
			case 0, 1:
				s.OnRequest(&wire.TMMBR{SenderSSRC: owner, Limits: []wire.Limit{{SSRC: media, MxTBR: rate, Overhead: overhead}}})
			case 2:
				m := s.Notify(now, rtt, dither)
				r.OnNotification(&m)
			case 3:
				s.OnGone(owner)
			case 4:
				r.SetLimit(rate)
			case 5:
				r.Lift()
			case 6:
				r.Observe(overhead)
			case 7:
				if st := r.State(); st == tmmbr.Asking || st == tmmbr.Repeating {
					s.OnRequest(&wire.TMMBR{SenderSSRC: a, Limits: []wire.Limit{r.Request()}})
				}
			}
			s.HandleTimeout(now)
			if s.NextTimeout() <= now {
				t.Fatalf("a deadline at %v, it is %v", s.NextTimeout(), now)
			}
			checkBounds(t, s.Set(), 100)
			limit, ok := s.NetLimit(20)
			set, limited := tmmbr.NetRate(s.Set(), 20)
			if limited && (!ok || limit > set) {
				t.Fatalf("limit %d, the set says %d", limit, set)
			}
		}
	})
}
