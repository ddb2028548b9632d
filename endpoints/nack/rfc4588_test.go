package nack_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

const rtt = 80 * time.Millisecond

// receiver drives a generator: a packet every 10 ms, each with what the test
// says.
type receiver struct {
	*nack.Generator
	t *testing.T
}

func newReceiver(t *testing.T, change func(*nack.Config)) receiver {
	t.Helper()
	c := nack.DefaultConfig()
	c.RTT = rtt
	if change != nil {
		change(&c)
	}
	return receiver{nack.NewGenerator(c), t}
}

// get takes Base packets that are needed never.
func (r receiver) get(now simtime.Time, seqs ...uint64) {
	for _, seq := range seqs {
		r.Arrived(now, nack.Arrival{Seq: seq, Needed: simtime.Never, Lost: nack.Base})
	}
}

// wantAsked sends a NACK and checks which numbers are in it.
func (r receiver) wantAsked(now simtime.Time, want ...uint64) {
	r.t.Helper()
	pending := r.Pending()
	got := r.Append(now, nil, 1000)
	if !slices.Equal(got, want) {
		r.t.Errorf("at %v %v are asked for, want %v", now, got, want)
	}
	if pending && len(got) == 0 {
		r.t.Errorf("at %v a request was pending, and there is none", now)
	}
	if r.Pending() {
		r.t.Errorf("at %v something is pending after the request", now)
	}
}

func (r receiver) wantTimeout(want simtime.Time) {
	r.t.Helper()
	if got := r.NextTimeout(); got != want {
		r.t.Errorf("next timeout %v, want %v", got, want)
	}
}

// §6.3: a gap shows which packets are missing; what comes is not asked for. The
// first packet starts the stream, what was before it isn't missing.
func TestGap(t *testing.T) {
	r := newReceiver(t, nil)
	r.get(ms(0), 100)
	r.wantAsked(ms(0))
	r.get(ms(10), 101, 104)
	if !r.Pending() {
		t.Error("nothing is pending")
	}
	r.wantAsked(ms(10), 102, 103)
	r.get(ms(20), 90, 99, 104, 105)
	r.wantAsked(ms(20))
	c := r.Counters()
	if c.Gaps != 1 || c.Missing != 2 || c.Requested != 2 || c.Repeated != 0 || r.Missing() != 2 {
		t.Errorf("%+v, %d missing", c, r.Missing())
	}
}

// §6.3: "add some extra delay to compensate for packet reordering", by packets or
// by time. A packet that comes three places late is no loss.
//
// conformance: ROB-6.1-10
func TestReorderingIsNoLoss(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.ReorderPackets, c.ReorderDelay = 3, 50*time.Millisecond })
	now := ms(0)
	for i := uint64(100); i < 300; i += 4 {
		for _, seq := range []uint64{i + 1, i + 2, i + 3, i} {
			if i == 100 && seq == 101 {
				r.get(now, 99)
			}
			r.get(now, seq)
			r.wantAsked(now)
			now = now.Add(10 * time.Millisecond)
		}
	}
	if c := r.Counters(); c.Gaps != 50 || c.Late != 50 || c.Requested != 0 || c.Needless != 0 {
		t.Errorf("%+v", c)
	}
	// Four places are one too many.
	r.get(now, 301, 302, 303)
	r.wantAsked(now)
	r.get(now, 304)
	r.wantAsked(now, 300)
	// A stream that pauses after the gap is waited for no longer than the delay.
	r.get(now, 305, 307)
	r.wantTimeout(now.Add(50*time.Millisecond + 1))
	r.HandleTimeout(now.Add(50*time.Millisecond + 1))
	r.wantAsked(now.Add(50*time.Millisecond+1), 306)
}

// §6.3: the delay may "be based on past observations". After packets that came
// two places and 7 ms late the next such one isn't asked for; ten to twenty
// seconds later it is forgotten.
//
// conformance: ROB-6.1-10
func TestAllowanceIsLearned(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.ReorderDelay = 0 })
	straggle := func(now simtime.Time, seq uint64, asked ...uint64) {
		t.Helper()
		r.get(now, seq, seq+2)
		r.wantAsked(now, asked...)
		r.get(now.Add(7*time.Millisecond), seq+3, seq+1)
	}
	straggle(ms(0), 10, 11)
	if c := r.Counters(); c.Late != 1 || c.Needless != 1 {
		t.Errorf("%+v", c)
	}
	r.get(ms(20), 14) // a loss that is repaired
	r.get(ms(21), 16, 17, 18)
	r.wantAsked(ms(21), 15)
	r.Arrived(ms(100), nack.Arrival{Seq: 15, Needed: simtime.Never, Repaired: true}) // says nothing of the order
	r.get(ms(100), 19)
	straggle(ms(9000), 20)
	straggle(ms(9100), 24)
	r.get(ms(9200), 28, 30, 31)
	r.wantAsked(ms(9200))
	r.get(ms(9200), 32)
	r.wantAsked(ms(9200), 29) // later than any straggler was, by packets
	r.Arrived(ms(9250), nack.Arrival{Seq: 29, Needed: simtime.Never, Repaired: true})
	r.get(ms(9300), 34)
	r.HandleTimeout(ms(9307))
	r.wantAsked(ms(9307))
	r.HandleTimeout(ms(9307) + 1)
	r.wantAsked(ms(9307)+1, 33) // and by time
	r.OnRefreshPoint(40)
	straggle(ms(40_000), 40, 35, 36, 37, 38, 39, 41)
}

// What a straggler taught counts for ten seconds at least and twenty at most, also
// after a silence.
func TestAllowanceIsForgotten(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.ReorderDelay = 0 })
	loss := func(now simtime.Time, seq uint64, asked ...uint64) {
		t.Helper()
		r.get(now, seq-2, seq)
		r.wantAsked(now, asked...)
		r.Arrived(now, nack.Arrival{Seq: seq - 1, Needed: simtime.Never, Repaired: true})
	}
	loss(ms(0), 3, 2)
	r.get(ms(99_000), 3, 5)
	r.wantAsked(ms(99_000), 4)
	r.get(ms(99_007), 6, 4)
	loss(ms(99_010), 8)
	loss(ms(109_006), 10)
	loss(ms(110_000), 12)
	loss(ms(119_000), 14)
	loss(ms(120_010), 16, 15)
}

// A straggler from more than 128 places back doesn't make losses wait so long.
func TestAllowanceIsBoundedInPackets(t *testing.T) {
	r := newReceiver(t, nil)
	r.get(ms(0), 1)
	for seq := uint64(3); seq < 300; seq++ {
		r.get(ms(0), seq)
	}
	r.get(ms(10), 2, 301)
	for seq := uint64(302); seq < 300+129; seq++ {
		r.get(ms(10), seq)
	}
	r.wantAsked(ms(10))
	r.get(ms(10), 429)
	r.wantAsked(ms(10), 300)
}

// Of neighbours whose times make no sense the later one counts.
func TestDeadlinesOutOfOrder(t *testing.T) {
	r := newReceiver(t, nil)
	r.Arrived(ms(0), nack.Arrival{Seq: 1, Needed: ms(200), Lost: nack.Base})
	r.Arrived(ms(0), nack.Arrival{Seq: 3, Needed: ms(85), Lost: nack.Base})
	r.wantAsked(ms(0), 2)
	r.wantTimeout(ms(85))
}

// A straggler that took longer than MaxReorderDelay doesn't make losses wait.
func TestAllowanceIsBounded(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.ReorderDelay, c.MaxReorderDelay = 0, 30*time.Millisecond })
	r.get(ms(0), 1, 3)
	r.get(ms(500), 4, 5, 6, 7, 2)
	r.get(ms(510), 9)
	r.wantTimeout(ms(540) + 1)
}

// §6.3: "the timer value shall be based on the observed round-trip time": a lost
// retransmission is asked for again after at least one.
//
// conformance: ROB-6.1-10
func TestRepetition(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.Tries[nack.Base] = 3 })
	r.get(ms(0), 1, 3)
	r.wantAsked(ms(0), 2)
	r.wantTimeout(ms(90)) // 80 + 80/8
	r.get(ms(80), 4)
	r.wantAsked(ms(80))
	r.HandleTimeout(ms(90))
	r.wantAsked(ms(90), 2)
	r.SetRTT(160 * time.Millisecond)
	r.wantTimeout(ms(180)) // the request that is under way
	r.HandleTimeout(ms(180))
	r.wantAsked(ms(180), 2)
	r.wantTimeout(ms(360))
	r.HandleTimeout(ms(359))
	if r.Missing() != 1 || r.RefreshWanted() {
		t.Error("given up before the answer to the last request could come")
	}
	r.HandleTimeout(ms(360))
	r.wantTimeout(simtime.Never)
	c := r.Counters()
	if c.Requested != 1 || c.Repeated != 2 || c.Abandoned[nack.Exhausted] != 1 || r.Missing() != 0 {
		t.Errorf("%+v", c)
	}
	if !r.RefreshWanted() {
		t.Error("no refresh point is wanted")
	}
}

// A round trip of no time doesn't make requests without end at one moment.
func TestNoRoundTrip(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.RTT = 0 })
	r.get(ms(0), 1, 3)
	r.wantAsked(ms(0), 2)
	r.wantAsked(ms(0))
	r.wantTimeout(ms(1))
}

// §6.3: "assess whether the retransmitted packet would still be useful". When it
// is needed follows from its neighbours.
func TestDeadline(t *testing.T) {
	r := newReceiver(t, nil)
	arrive := func(now simtime.Time, seq uint64, needed simtime.Time) {
		r.Arrived(now, nack.Arrival{Seq: seq, Needed: needed, Lost: nack.Base})
	}
	arrive(ms(0), 10, ms(50))
	arrive(ms(10), 14, ms(90)) // 11 to 13 at 60, 70 and 80
	r.wantAsked(ms(10))
	if c := r.Counters(); c.Abandoned[nack.TooLate] != 3 || !r.RefreshWanted() {
		t.Errorf("%+v", c)
	}
	arrive(ms(20), 18, ms(130)) // 15 to 17 at 100, 110, 120
	r.wantAsked(ms(20), 15, 16, 17)
	arrive(ms(60), 16, ms(110))
	r.wantTimeout(ms(100))
	r.HandleTimeout(ms(100)) // 15 hasn't come, 17 may yet
	if r.Missing() != 1 {
		t.Errorf("%d are missing", r.Missing())
	}
	r.wantTimeout(ms(110)) // the repetition
	r.HandleTimeout(ms(110))
	r.wantAsked(ms(110)) // would come 70 ms late
	r.wantTimeout(ms(120))
	r.Arrived(ms(119), nack.Arrival{Seq: 17, Needed: ms(120), Repaired: true})
	c := r.Counters()
	if c.Requested != 3 || c.Repeated != 0 || c.Late != 1 || c.Recovered != 1 || c.Abandoned[nack.TooLate] != 4 {
		t.Errorf("%+v", c)
	}
	r.wantTimeout(simtime.Never)
}

// If play-out is put off there may be time for another request, or no more time
// if it is brought forward.
func TestPostponed(t *testing.T) {
	r := newReceiver(t, nil)
	arrive := func(now simtime.Time, seq uint64, needed simtime.Time) {
		r.Arrived(now, nack.Arrival{Seq: seq, Needed: needed, Lost: nack.Base})
	}
	arrive(ms(0), 1, ms(100))
	arrive(ms(10), 3, ms(120)) // 2 at 110
	r.wantAsked(ms(10), 2)
	r.HandleTimeout(ms(100))
	r.wantAsked(ms(100))
	r.Postpone(ms(101), 100*time.Millisecond) // 2 at 210
	r.wantAsked(ms(101), 2)
	arrive(ms(102), 5, ms(260)) // 4 at 240
	r.wantTimeout(ms(191))      // the repetition of 2
	r.Postpone(ms(103), -60*time.Millisecond)
	r.wantAsked(ms(103)) // 4 at 180
	if c := r.Counters(); c.Abandoned[nack.TooLate] != 1 {
		t.Errorf("%+v", c)
	}
}

// What was due when the deadline passed isn't asked for: RTCP may come long after
// the gap.
func TestRTCPComesLate(t *testing.T) {
	r := newReceiver(t, nil)
	r.Arrived(ms(0), nack.Arrival{Seq: 1, Needed: ms(100), Lost: nack.Base})
	r.Arrived(ms(10), nack.Arrival{Seq: 3, Needed: ms(140), Lost: nack.Base}) // 2 at 120
	if !r.Pending() {
		t.Error("nothing is pending")
	}
	r.wantTimeout(ms(120))
	if got := r.Append(ms(41), nil, 10); len(got) != 0 || r.Pending() {
		t.Errorf("%v are asked for", got)
	}
}

// §10.1: a receiver takes the sender's rtx-time into account: what was sent 100 ms
// ago or more isn't there any more when the request comes.
func TestRTXTime(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.RTXTime = 100 * time.Millisecond })
	r.get(ms(0), 1)
	r.Arrived(ms(40), nack.Arrival{Seq: 3, Needed: ms(1000), Lost: nack.Base}) // 2 was sent at 0
	r.wantAsked(ms(60), 2)                                                     // comes at 100, is sent then, and is here at 140
	r.get(ms(60), 5)
	if got := r.Append(ms(81), nil, 10); len(got) != 0 {
		t.Errorf("%v is asked for", got)
	}
	r.wantTimeout(ms(140))
	r.HandleTimeout(ms(140))
	if n := r.Counters().Abandoned[nack.TooLate]; n != 2 {
		t.Errorf("%d given up", n)
	}
}
