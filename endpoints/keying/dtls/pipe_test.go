package dtls_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const (
	ms    = time.Millisecond
	delay = 50 * ms // one way
	rtt   = 2 * delay
)

var addresses = [2]packet.Addr{{IP: 0x0a000001, Port: 5000}, {IP: 0x0a000002, Port: 5000}}

// A datagram on its way, or one that was sent.
type datagram struct {
	sent, arrives simtime.Time
	from          int
	nth           int // of its direction, from 0
	payload       []byte
}

// A pipe connects two ends, the client first, in virtual time.
type pipe struct {
	t    *testing.T
	ends [2]*dtls.Conn
	now  simtime.Time
	// fate says what becomes of a datagram: when its copies arrive, none if it
	// is lost. nil delivers one after the delay. It may change the payload.
	fate func(d *datagram) []simtime.Time

	flying []datagram
	log    []datagram // what was sent, before fate
	counts [2]int
}

// newPipe makes both ends. change may alter the configurations, the client's
// first.
func newPipe(t *testing.T, seed uint64, change func(c []dtls.Config)) *pipe {
	t.Helper()
	source := rng.New(seed)
	ids := [2]*dtls.Identity{dtls.NewIdentity(source.Stream("dtls/A")), dtls.NewIdentity(source.Stream("dtls/B"))}
	configs := []dtls.Config{
		{Role: dtls.Client, Identity: ids[0], PeerFingerprint: ids[1].Fingerprint(), Random: source.Stream("dtls/A/B")},
		{Role: dtls.Server, Identity: ids[1], PeerFingerprint: ids[0].Fingerprint(), Random: source.Stream("dtls/B/A")},
	}
	if change != nil {
		change(configs)
	}
	return &pipe{t: t, ends: [2]*dtls.Conn{dtls.New(configs[0]), dtls.New(configs[1])}}
}

// drain takes what both ends have to send.
func (p *pipe) drain() {
	for i, end := range p.ends {
		for b := end.PollPayload(p.now); b != nil; b = end.PollPayload(p.now) {
			d := datagram{sent: p.now, arrives: p.now.Add(delay), from: i, nth: p.counts[i], payload: slices.Clone(b)}
			p.counts[i]++
			p.log = append(p.log, d)
			d.payload = slices.Clone(b)
			arrivals := []simtime.Time{d.arrives}
			if p.fate != nil {
				arrivals = p.fate(&d)
			}
			for _, at := range arrivals {
				d.arrives = at
				p.flying = append(p.flying, d)
			}
		}
		if next := end.NextTimeout(); next <= p.now {
			p.t.Fatalf("%v: end %d, drained, wants to be called at %v", p.now, i, next)
		}
	}
}

// run goes on until nothing is left to do or a time is reached.
func (p *pipe) run(until time.Duration) {
	p.t.Helper()
	end := simtime.At(until)
	p.drain()
	for range 100_000 {
		next := min(p.ends[0].NextTimeout(), p.ends[1].NextTimeout())
		first := -1
		for i, d := range p.flying {
			if d.arrives <= next && (first < 0 || d.arrives < p.flying[first].arrives) {
				first = i
			}
		}
		if first >= 0 {
			next = p.flying[first].arrives
		}
		if next > end {
			p.now = end
			return
		}
		p.now = next
		if first >= 0 {
			d := p.flying[first]
			p.flying = slices.Delete(p.flying, first, first+1)
			p.ends[1-d.from].HandlePacket(p.now, packetOf(d))
		} else {
			p.ends[0].HandleTimeout(p.now)
			p.ends[1].HandleTimeout(p.now)
		}
		p.drain()
	}
	p.t.Fatalf("no end in sight at %v: %v, %v", p.now, p.ends[0].State(), p.ends[1].State())
}

func packetOf(d datagram) *packet.Packet {
	q := &packet.Packet{Src: addresses[d.from], Dst: addresses[1-d.from]}
	copy(q.SetPayload(len(d.payload)), d.payload)
	return q
}

// wantConnected fails unless both ends have each other's keys.
func (p *pipe) wantConnected() {
	p.t.Helper()
	for i, end := range p.ends {
		if end.State() != dtls.Finished || end.Err() != nil {
			p.t.Fatalf("%v: end %d is %v, %v", p.now, i, end.State(), end.Err())
		}
	}
	profile, ok := p.ends[0].Profile()
	other, ok2 := p.ends[1].Profile()
	if !ok || !ok2 || profile != other {
		p.t.Fatalf("profiles %v and %v", profile, other)
	}
	if err := sameKeys(p.ends, profile); err != nil {
		p.t.Fatal(err)
	}
}

func sameKeys(ends [2]*dtls.Conn, p keying.Profile) error {
	a, ok := ends[0].Keys(p.KeyLen(), p.SaltLen())
	b, ok2 := ends[1].Keys(p.KeyLen(), p.SaltLen())
	switch {
	case !ok || !ok2:
		return fmt.Errorf("keys at the ends: %v, %v", ok, ok2)
	case len(a.Local.Key) != p.KeyLen() || len(a.Local.Salt) != p.SaltLen():
		return fmt.Errorf("a key of %d and a salt of %d octets for %v", len(a.Local.Key), len(a.Local.Salt), p)
	case !equal(a.Local, b.Remote) || !equal(a.Remote, b.Local):
		return fmt.Errorf("the ends have different keys")
	case equal(a.Local, a.Remote):
		return fmt.Errorf("both directions have the same keys")
	}
	return nil
}

func equal(a, b keying.Material) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Salt, b.Salt)
}

// wantAt fails unless the ends were connected at these times.
func (p *pipe) wantAt(client, server time.Duration) {
	p.t.Helper()
	for i, want := range []time.Duration{client, server} {
		if at, ok := p.ends[i].ConnectedAt(); !ok || at != simtime.At(want) {
			p.t.Errorf("end %d connected at %v, %v; want %v", i, at, ok, want)
		}
	}
}
