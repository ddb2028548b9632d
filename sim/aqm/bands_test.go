package aqm

import (
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// byPort puts packets into the band of their source port.
var byPort = ClassifierFunc(func(p *packet.Packet) int { return int(p.Src.Port) })

func dropTailBands(s Scheduler, weights ...int) BandsConfig {
	c := BandsConfig{Classifier: byPort, Scheduler: s}
	for _, w := range weights {
		c.Bands = append(c.Bands, Band{Queue: fabric.NewDropTail(fabric.Limit{Packets: 1 << 20}), Weight: w})
	}
	return c
}

// Backlogged bands get bytes in proportion to their weights, to within two
// turns and a packet, whatever their packets' sizes.
func TestWeightedShares(t *testing.T) {
	weights := []int{1, 2, 5}
	r := &rig{q: NewBands(dropTailBands(Weighted, weights...))}
	for i, size := range []units.Bytes{200, 1500, 700} {
		for range 60000 {
			r.put(0, size, packet.NotECT, withPort(uint16(i)))
		}
	}
	var got [3]units.Bytes
	for n := range 20000 {
		p := r.take(0)
		got[p.Src.Port] += p.Size
		for i, w := range weights {
			d := got[i]*units.Bytes(weights[0]) - got[0]*units.Bytes(w)
			if bound := 2 * units.Bytes(w) * (MTU + 1500); d > bound || d < -bound {
				t.Fatalf("after %d packets the bands got %v bytes", n, got)
			}
		}
		r.pool.Release(p)
	}
	t.Logf("bytes of weights 1:2:5 are %v", got)
}

// A band that is alone gets everything, and one that was idle has saved nothing.
func TestWeightedIsWorkConservingWithoutSavings(t *testing.T) {
	r := &rig{q: NewBands(dropTailBands(Weighted, 1, 1))}
	for range 100 {
		r.put(0, 1500, packet.NotECT, withPort(1))
	}
	for range 50 {
		if r.take(0) == nil {
			t.Fatal("the link idles while a band has packets")
		}
	}
	for range 100 {
		r.put(0, 1500, packet.NotECT)
	}
	var got [2]int
	for range 20 {
		got[r.take(0).Src.Port]++
	}
	if got[0] < 9 || got[0] > 11 {
		t.Errorf("of 20 packets the band that was idle got %d", got[0])
	}
}

// Nothing leaves a band while one before it has packets.
func TestStrictPriority(t *testing.T) {
	r := &rig{q: NewBands(dropTailBands(Strict, 0, 0, 0, 0))}
	random := stream("strict")
	var waiting [4]int
	for range 50000 {
		if random.Bool(0.5) {
			band := random.Uint32() % 4
			r.put(0, 100, packet.NotECT, withPort(uint16(band)))
			waiting[band]++
			continue
		}
		p := r.take(0)
		if p == nil {
			if r.q.Len() != 0 {
				t.Fatal("nothing leaves a queue that isn't empty")
			}
			continue
		}
		for band := range p.Src.Port {
			if waiting[band] > 0 {
				t.Fatalf("a packet of band %d leaves before %d of band %d", p.Src.Port, waiting[band], band)
			}
		}
		waiting[p.Src.Port]--
		r.pool.Release(p)
	}
}

// ticking is a queue that remembers what it was told.
type ticking struct {
	fabric.DropTail
	period time.Duration
	rates  []units.BitRate
	at     []simtime.Time
}

func (q *ticking) SetRate(r units.BitRate) { q.rates = append(q.rates, r) }
func (q *ticking) Period() time.Duration   { return q.period }
func (q *ticking) Update(now simtime.Time) { q.at = append(q.at, now) }

// Rates and updates come to the bands, those of bands in bands too, each at its
// own interval.
func TestBandsForwardRatesAndUpdates(t *testing.T) {
	a, b, c := &ticking{period: 15 * ms}, &ticking{period: 16 * ms}, &ticking{period: 20 * ms}
	inner := NewBands(BandsConfig{Bands: []Band{{Queue: b}, {Queue: c}}, Classifier: byPort})
	outer := NewBands(BandsConfig{
		Bands:      []Band{{Queue: a}, {Queue: inner}, {Queue: fabric.NewDropTail(fabric.Limit{Bytes: 1})}},
		Classifier: byPort,
	})
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: outer})
	half := 5 * units.Mbps
	n.link.Schedule([]fabric.Change{{At: simtime.At(100 * ms), Rate: &half}})
	n.run(time.Second)
	for _, q := range []*ticking{a, b, c} {
		if want := int(time.Second / q.period); len(q.at) != want {
			t.Fatalf("%d updates every %v, want %d", len(q.at), q.period, want)
		}
		for i, at := range q.at {
			if want := simtime.At(time.Duration(i+1) * q.period); at != want {
				t.Errorf("update %d every %v comes at %v", i, q.period, at)
			}
		}
		if len(q.rates) != 2 || q.rates[0] != 10*units.Mbps || q.rates[1] != half {
			t.Errorf("rates %v", q.rates)
		}
	}
}

// The link's delays show which band a packet is in (RFC 8837 Table 1).
func TestDSCPBands(t *testing.T) {
	sets, others := WebRTCBands()
	classifier, err := NewDSCPClassifier(sets, others)
	if err != nil {
		t.Fatal(err)
	}
	order := []uint8{EF, AF41, AF31, AF21, AF11, DF, LE}
	for i, dscp := range order {
		if got := classifier.Classify(&packet.Packet{DSCP: dscp}); got != i {
			t.Errorf("codepoint %d is in band %d, want %d", dscp, got, i)
		}
	}
	if got := classifier.Classify(&packet.Packet{DSCP: 63}); got != others {
		t.Errorf("an unknown codepoint is in band %d", got)
	}
	c := dropTailBands(Strict, 0, 0, 0, 0, 0, 0, 0)
	c.Classifier = classifier
	r := &rig{q: NewBands(c)}
	for i := range order {
		r.put(0, 100, packet.NotECT, func(p *packet.Packet) { p.DSCP = order[len(order)-1-i] })
	}
	for _, dscp := range order {
		if p := r.take(0); p.DSCP != dscp {
			t.Errorf("codepoint %d leaves, want %d", p.DSCP, dscp)
		}
	}
	for _, bad := range [][][]uint8{{{64}}, {{EF}, {EF}}} {
		if _, err := NewDSCPClassifier(bad, 0); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestTupleClassifier(t *testing.T) {
	tcp := packet.TCP
	c := TupleClassifier{
		Rules: []TupleRule{
			{Src: packet.Addr{Port: 5004}, Band: 0},
			{Dst: packet.Addr{IP: 7, Port: 443}, Protocol: &tcp, Band: 1},
			{Src: packet.Addr{IP: 9}, Band: 2},
		},
		Others: 3,
	}
	for _, w := range []struct {
		p    packet.Packet
		want int
	}{
		{packet.Packet{Src: packet.Addr{IP: 9, Port: 5004}}, 0},
		{packet.Packet{Dst: packet.Addr{IP: 7, Port: 443}, Protocol: packet.TCP}, 1},
		{packet.Packet{Dst: packet.Addr{IP: 7, Port: 443}}, 3},
		{packet.Packet{Src: packet.Addr{IP: 9, Port: 1}}, 2},
		{packet.Packet{Src: packet.Addr{IP: 8, Port: 1}}, 3},
	} {
		if got := c.Classify(&w.p); got != w.want {
			t.Errorf("%+v is in band %d, want %d", w.p, got, w.want)
		}
	}
}

// RFC 8834 §12.1.3: inspection finds audio by source, but not in a flow that
// audio shares with video and a data channel.
//
// conformance: IMP-12.9-4
func TestPayloadClassifier(t *testing.T) {
	hits := func(wholeFlows, bundled bool) (right [3]float64) {
		conf := DefaultPayloadClassifier()
		conf.WholeFlows = wholeFlows
		c := NewPayloadClassifier(conf, stream("dpi"))
		random := stream("packets")
		var n [3]float64
		for range 30000 {
			kind := Media(0)
			switch u := random.Float64(); {
			case u > 0.8:
				kind = Other
			case u > 0.3:
				kind = Video
			}
			p := packet.Packet{Src: packet.Addr{IP: 1, Port: 5004}, Dst: packet.Addr{IP: 2, Port: 5004}}
			if !bundled {
				p.Src.Port += 2 * uint16(kind)
			}
			size, first := 1200, byte(0x80)
			switch {
			case kind == Audio:
				size = 100 + int(random.Uint32()%60)
			case kind == Video && random.Bool(0.2): // the last packet of a frame
				size = 40 + int(random.Uint32()%1100)
			case kind == Other:
				first = 23 // DTLS
				size = 60 + int(random.Uint32()%1100)
			}
			b := p.SetPayload(size)
			clear(b)
			b[0], b[1], b[11] = first, 96, byte(kind)
			n[kind]++
			if c.Guess(&p) == kind {
				right[kind]++
			}
		}
		for i := range right {
			right[i] /= n[i]
		}
		return right
	}
	for _, w := range []struct {
		wholeFlows, bundled bool
		good                bool
	}{{false, false, true}, {false, true, true}, {true, false, true}, {true, true, false}} {
		got := hits(w.wholeFlows, w.bundled)
		t.Logf("whole flows %v, bundled %v: right about %.3f of audio, %.3f of video, %.3f of others",
			w.wholeFlows, w.bundled, got[Audio], got[Video], got[Other])
		if w.good != (got[Audio] > 0.99 && got[Video] > 0.99 && got[Other] > 0.99) {
			t.Errorf("that isn't as expected")
		}
		if !w.good && got[Audio] > 0.1 {
			t.Errorf("audio is found in %.3f of its packets in a mixed flow", got[Audio])
		}
	}
	c := NewPayloadClassifier(PayloadClassifierConfig{Bands: [3]int{5, 6, 7}}, stream("dpi"))
	for name, p := range map[string]packet.Packet{
		"RTCP":  {Payload: []byte{0x81, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0}},
		"STUN":  {Payload: []byte{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0}},
		"short": {Payload: []byte{0x80, 96, 0}},
		"TCP":   {Protocol: packet.TCP, Payload: make([]byte, 20)},
		"empty": {},
	} {
		if got := c.Classify(&p); got != 7 {
			t.Errorf("%s is in band %d", name, got)
		}
	}
}
