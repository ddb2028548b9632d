package ecn

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// §5.1: counters begin with 0, duplicates count by their field and by themselves, what
// comes late isn't lost any more, and a duplicate doesn't hide a loss.
func TestCounters(t *testing.T) {
	var r Receiver
	if c := r.Counters(); c != (Counters{}) {
		t.Fatalf("%+v before anything came", c)
	}
	for i, step := range []struct {
		mark     packet.ECN
		fresh    bool
		expected uint64
		want     Counters
	}{
		{packet.NotECT, true, 1, Counters{NotECT: 1}},
		{packet.ECT0, true, 2, Counters{NotECT: 1, ECT0: 1}},
		{packet.CE, true, 4, Counters{NotECT: 1, ECT0: 1, CE: 1, Lost: 1}},
		{packet.CE, false, 4, Counters{NotECT: 1, ECT0: 1, CE: 2, Lost: 1, Duplicates: 1}},
		{packet.ECT1, true, 4, Counters{NotECT: 1, ECT0: 1, ECT1: 1, CE: 2, Duplicates: 1}},
		{packet.NotECT, false, 4, Counters{NotECT: 2, ECT0: 1, ECT1: 1, CE: 2, Duplicates: 2}},
		{packet.ECT0, true, 8, Counters{NotECT: 2, ECT0: 2, ECT1: 1, CE: 2, Lost: 3, Duplicates: 2}},
	} {
		r.Count(step.mark, step.fresh, step.expected)
		if got := r.Counters(); got != step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

// §5.1: fields of 16 bits wrap after 65535 packets, and differences don't mind.
func TestCountersWrap(t *testing.T) {
	var r Receiver
	for i := range uint64(70000) {
		r.Count(packet.CE, true, i+1)
	}
	last := r.Counters()
	if last.CE != 70000-65536 {
		t.Errorf("CE %d", last.CE)
	}
	r.marks[packet.ECT0] = 1<<32 - 1
	last = r.Counters()
	r.Count(packet.ECT0, true, 70003)
	r.Count(packet.CE, false, 70003)
	want := News{ECT0: 1, CE: 1, Lost: 2, Duplicates: 1}
	if got := r.Counters().Since(last); got != want || got.Received() != 2 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := last.Since(r.Counters()); got.Received() >= 0 {
		t.Errorf("an earlier report has %d packets more", got.Received())
	}
}

// Figures 2 and 4: the order of the fields.
func TestCountersOnTheWire(t *testing.T) {
	c := Counters{ECT0: 0x01020304, ECT1: 0x05060708, CE: 0x090a, NotECT: 0x0b0c, Lost: 0x0d0e, Duplicates: 0x0f10}
	want, _ := hex.DecodeString("0102030405060708090a0b0c0d0e0f10")
	if got := c.Append(nil); !bytes.Equal(got, want) || len(got) != CountersSize {
		t.Errorf("%x, want %x", got, want)
	}
	if got := ReadCounters(want); got != c {
		t.Errorf("%+v, want %+v", got, c)
	}
}

// §7.2.1, §7.3.2: the first ECN-capable packet, every mark and every loss are urgent,
// until they are told.
func TestUrgent(t *testing.T) {
	var r Receiver
	step := func(mark packet.ECN, fresh bool, expected uint64, want bool) {
		t.Helper()
		if r.Count(mark, fresh, expected); r.Urgent() != want {
			t.Errorf("urgent %v after %+v", r.Urgent(), r.Counters())
		}
	}
	step(packet.NotECT, true, 1, false)
	step(packet.ECT0, true, 2, true)
	r.Told()
	step(packet.ECT0, true, 3, false)
	step(packet.CE, true, 4, true)
	step(packet.ECT0, true, 5, true)
	r.Told()
	step(packet.CE, false, 5, true) // a duplicate's mark is one
	r.Told()
	step(packet.ECT0, true, 8, true)
	step(packet.ECT0, true, 8, true)
	step(packet.ECT0, true, 8, false) // both were late
	step(packet.ECT0, true, 10, true)
	r.Told()
	step(packet.ECT0, true, 10, false) // late after it was told
	step(packet.ECT0, true, 12, true)  // and another is lost
}

func TestHistory(t *testing.T) {
	var h History
	if _, _, ok := h.UpTo(0); ok {
		t.Error("an empty history knows packet 0")
	}
	for seq := uint32(65530); seq < 75530; seq++ {
		h.Note(seq, seq%10 == 0)
	}
	if capable, plain, ok := h.UpTo(75529); !ok || capable != 1000 || plain != 9000 {
		t.Errorf("%d and %d, %v", capable, plain, ok)
	}
	if capable, plain, ok := h.UpTo(75520); !ok || capable != 1000 || plain != 8991 {
		t.Errorf("%d and %d, %v", capable, plain, ok)
	}
	for _, seq := range []uint32{65530, 75530, 0} {
		if _, _, ok := h.UpTo(seq); ok {
			t.Errorf("packet %d is known", seq)
		}
	}
}

// trial is a path and what its sender hears after every 20 packets.
type trial struct {
	t        *testing.T
	path     *Path
	now      simtime.Time
	sent     Delta // since the last report
	becomes  packet.ECN
	ect      packet.ECN
	blocks   bool // packets that are ECN-capable vanish
	loses    bool // half of all that come and one more
	marks    int  // every so manieth is marked
	silent   bool
	n        int
	capable  int // of all packets so far
	observed []Change
}

func newTrial(t *testing.T, mark packet.ECN) *trial {
	return &trial{t: t, path: NewPath(mark), ect: mark, becomes: mark}
}

// send sends packets 10 ms apart, and reports after every 20.
func (c *trial) send(n int) *trial {
	for range n {
		c.n++
		c.now = c.now.Add(10 * time.Millisecond)
		mark := c.path.Mark(c.now, false, time.Second)
		d := &c.sent
		if mark == packet.NotECT {
			d.SentPlain++
		} else {
			d.SentCapable++
			c.capable++
		}
		switch {
		case c.loses && c.n%5 < 3, c.blocks && mark != packet.NotECT:
			d.Lost++
		case mark == packet.NotECT:
			d.NotECT++
		case c.marks > 0 && c.n%c.marks == 0:
			d.CE++
		case c.becomes == packet.NotECT:
			d.NotECT++
		case c.becomes == packet.ECT1:
			d.ECT1++
		default:
			d.ECT0++
		}
		if c.n%20 == 0 && !c.silent && d.Received() > 0 {
			c.path.OnReport(c.sent)
			c.sent = Delta{}
		}
		for ch, ok := c.path.PollChange(); ok; ch, ok = c.path.PollChange() {
			c.observed = append(c.observed, ch)
		}
	}
	return c
}

// sendUntil sends packets until something changes, 200 at most.
func (c *trial) sendUntil() *trial {
	for range 200 {
		if c.send(1); len(c.observed) > 0 {
			break
		}
	}
	return c
}

func (c *trial) want(changes ...Change) *trial {
	c.t.Helper()
	if len(changes) != len(c.observed) {
		c.t.Fatalf("%v, want %v", c.observed, changes)
	}
	for i := range changes {
		if changes[i] != c.observed[i] {
			c.t.Fatalf("%v, want %v", c.observed, changes)
		}
	}
	c.observed = nil
	return c
}

// §7.2.1: a small fraction of packets finds out; then all are ECN-capable (§7.3.1).
func TestInitiation(t *testing.T) {
	for _, mark := range []packet.ECN{packet.ECT0, packet.ECT1} {
		c := newTrial(t, mark).send(19).want()
		if c.capable != 1 {
			t.Errorf("%d of 19 packets are ECN-capable", c.capable)
		}
		c.send(1).want(Change{InUse, Arrives}).send(100).want()
		if c.capable != 102 {
			t.Errorf("%d of 120 packets are ECN-capable", c.capable)
		}
	}
}

// §7.2.1: key frames don't serve as probes.
func TestProbesArentPrecious(t *testing.T) {
	p := NewPath(packet.ECT0)
	for i := range 30 {
		if mark := p.Mark(0, i < 25, time.Second); (mark != packet.NotECT) != (i == 25) {
			t.Errorf("packet %d has %d", i, mark)
		}
	}
}

// §7.2.1, §7.4.2: marks are no sign against a path, whatever their share.
func TestMarksAreNoFailure(t *testing.T) {
	for _, every := range []int{1, 2, 100} {
		c := newTrial(t, packet.ECT0)
		c.marks = every
		c.send(2000).want(Change{InUse, Arrives})
	}
}

// §7.2.1: with more than three probes of which nothing arrived as it should, there is
// no ECN.
func TestInitiationFails(t *testing.T) {
	c := newTrial(t, packet.ECT0)
	c.becomes = packet.NotECT
	c.send(20).want().send(40).want(Change{Disabled, Cleared}).send(1000).want()
	if c.capable != 4 {
		t.Errorf("%d packets were ECN-capable", c.capable)
	}
	c = newTrial(t, packet.ECT0)
	c.becomes = packet.ECT1
	c.send(60).want(Change{Disabled, Changed})
	c = newTrial(t, packet.ECT0)
	c.blocks = true
	c.send(60).want(Change{Disabled, Dropped})
}

// §7.2.1: reports without anything about ECN mean that the peer has none of it.
func TestPeerWithoutECN(t *testing.T) {
	p := NewPath(packet.ECT0)
	for capable := range uint64(5) {
		p.OnUnreported(capable)
		if want := capable > 3; (p.State() == Disabled) != want {
			t.Errorf("%v with %d ECN-capable packets sent", p.State(), capable)
		}
	}
	c, ok := p.PollChange()
	if !ok || c != (Change{Disabled, NotReported}) {
		t.Errorf("%v", c)
	}
	p = newTrial(t, packet.ECT0).send(20).path
	if p.OnUnreported(1000); p.State() != InUse {
		t.Errorf("%v after a single packet without", p.State())
	}
}

// §7.2.1: one peer's report doesn't suffice where there are others.
func TestSeveralPeers(t *testing.T) {
	c := newTrial(t, packet.ECT0).send(20).want(Change{InUse, Arrives})
	c.path.SetAlone(false)
	c.send(200).want(Change{Initiating, OtherPeers})
	if c.capable != 22 {
		t.Errorf("%d of 220 packets are ECN-capable", c.capable)
	}
}

// §7.4.2: a path that begins to clear the field is noticed with the next report, also if
// it does so to some packets only.
func TestPathBeginsToClear(t *testing.T) {
	for _, to := range []struct {
		field packet.ECN
		why   Reason
	}{{packet.NotECT, Cleared}, {packet.ECT1, Changed}} {
		c := newTrial(t, packet.ECT0).send(500).want(Change{InUse, Arrives})
		c.becomes = to.field
		c.send(20).want(Change{Disabled, to.why})
	}
	p := newTrial(t, packet.ECT0).send(20).path
	p.OnReport(Delta{News: News{ECT0: 90, NotECT: 10}, SentCapable: 100})
	if p.State() != InUse {
		t.Error("disabled for a tenth")
	}
	p.OnReport(Delta{News: News{ECT0: 88, NotECT: 12}, SentCapable: 100})
	if p.State() != Disabled {
		t.Error("not disabled for more")
	}
}

// §7.4.1: on high loss the sender does without marks. Where that is no better it goes on
// with them, where losses end it begins anew, and fails if marked packets vanish.
func TestHighLoss(t *testing.T) {
	c := newTrial(t, packet.ECT0).send(100).want(Change{InUse, Arrives})
	c.loses = true
	c.send(200).want(Change{Suspended, HighLoss}, Change{InUse, LossGoesOn})
	c.loses = false
	c.send(120).want()

	c.loses = true
	c.send(20).want() // a burst
	c.loses = false
	c.send(100).want()

	c.loses = true // judged again, as it had ended
	c.sendUntil().want(Change{Suspended, HighLoss})
	c.loses = false
	c.send(60).want(Change{Initiating, LossEnded}, Change{InUse, Arrives})

	c.blocks = true // nothing arrives at all, so that there are no reports
	c.send(99).want()
	c.send(10).want(Change{Suspended, NothingArrives})
	c.send(200).want(Change{Initiating, LossEnded}, Change{Disabled, Dropped})
}

// §7.4.1: who has fallen back time and again gives up.
func TestFlapping(t *testing.T) {
	c := newTrial(t, packet.ECT0).send(20).want(Change{InUse, Arrives})
	for range maxFallbacks - 1 {
		c.loses = true
		c.sendUntil().want(Change{Suspended, HighLoss})
		c.loses = false
		c.send(60).want(Change{Initiating, LossEnded}, Change{InUse, Arrives})
	}
	c.loses = true
	c.sendUntil().want(Change{Suspended, HighLoss})
	c.loses = false
	c.send(100).want(Change{Disabled, Dropped})
}

// Whatever reports say, there is a way from each state to the next, and everything has a
// name.
func FuzzPath(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 255, 9, 9, 17, 128, 64, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		p := NewPath(packet.ECT0)
		var now simtime.Time
		for i, b := range data {
			now = now.Add(time.Duration(b) * 20 * time.Millisecond)
			x := int(int8(b))
			switch i % 7 {
			case 0, 1, 2:
				for range b {
					p.Mark(now, b&1 == 0, time.Duration(x)*time.Second)
				}
			case 3, 4:
				p.OnReport(Delta{News: News{ECT0: x, NotECT: x / 2, Lost: x - 3, CE: i % 5, Duplicates: x % 3}, SentCapable: x * 2, SentPlain: i})
			case 5:
				p.OnUnreported(uint64(b))
			case 6:
				p.SetAlone(b&1 == 0)
			}
			for c, ok := p.PollChange(); ok; c, ok = p.PollChange() {
				if c.State.String() == "" || c.Why.String() == "" {
					t.Fatalf("%d, %d has no name", c.State, c.Why)
				}
			}
		}
	})
}
