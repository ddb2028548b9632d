package roap_test

import (
	"errors"
	"testing"
	"time"

	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// book is a describer that notes what it is told.
type book struct {
	agreed, answered string
	rollbacks        int
	refuse           error
}

func (*book) Offer(simtime.Time) string { return "offer" }

func (b *book) Answer(_ simtime.Time, offer string) (string, error) {
	b.answered = offer
	return "answer", b.refuse
}

func (b *book) Agree(_ simtime.Time, answer string) error {
	b.agreed = answer
	return b.refuse
}

func (b *book) Rollback(simtime.Time) { b.rollbacks++ }

// conversation is an agent whose other end is the test.
type conversation struct {
	*testing.T
	*roap.Agent
	book book
	now  simtime.Time
}

func talk(t *testing.T) *conversation {
	c := &conversation{T: t}
	c.Agent = roap.NewAgent(roap.AgentConfig{
		Name: "A", Session: "A", Peer: "B", Resolution: glare.Timers, Owner: true, Random: rng.New(1).Stream("A"), Describe: &c.book,
	})
	return c
}

// says hands the agent a message about its own first offer.
func (c *conversation) says(m roap.Message) {
	if m.Offerer == "" {
		m.Offerer = "A"
	}
	if m.Seq == 0 {
		m.Seq = 1
	}
	c.HandleMessage(c.now, 0, &m)
}

// wantMessages fails unless these are the agent's next messages, and the last ones.
func (c *conversation) wantMessages(titles ...string) {
	c.Helper()
	for _, want := range append(titles, "") {
		got := ""
		if _, m := c.PollMessage(); m != nil {
			got = m.Title()
		}
		if got != want {
			c.Fatalf("the agent says %q, not %q", got, want)
		}
	}
}

// wantEvent fails unless there is an event of a kind, and returns its reason.
func (c *conversation) wantEvent(kind signalling.EventKind) string {
	c.Helper()
	for e, ok := c.PollEvent(); ok; e, ok = c.PollEvent() {
		if e.Kind == kind {
			return e.Reason
		}
	}
	c.Fatalf("no %v", kind)
	return ""
}

func (c *conversation) wantState(s jsep.State) {
	c.Helper()
	if c.State() != s {
		c.Fatalf("the state is %v, not %v", c.State(), s)
	}
}

// An answer isn't an acceptance: it says how a session would be, and another one may take its place until one is accepted.
//
// conformance: FRK-0
func TestAnswerIsNotAcceptance(t *testing.T) {
	c := talk(t)
	c.Change(0)
	c.wantMessages("OFFER 1")
	c.wantState(jsep.HaveLocalOffer)
	for _, sdp := range []string{"one", "another"} {
		c.says(roap.Message{Type: roap.TypeAnswer, SDP: sdp, MoreComing: sdp == "one"})
		c.wantState(jsep.HaveRemotePranswer)
		if c.book.agreed != "" || c.Wishes() != 1 || c.Agreed() != (signalling.OfferID{}) {
			t.Errorf("agreed on %q with an answer alone", c.book.agreed)
		}
	}
	c.says(roap.Message{Type: roap.TypeAccept})
	c.wantState(jsep.Stable)
	if c.book.agreed != "another" || c.Wishes() != 0 || c.Agreed() != (signalling.OfferID{Session: "A", Seq: 1}) {
		t.Errorf("agreed on %q, %d wishes, %v", c.book.agreed, c.Wishes(), c.Agreed())
	}
	c.wantMessages()
}

// Where messages overtake each other an ACCEPT may come before its ANSWER. It is of no use then, the answer never becomes the
// session's, and the offer is given up in the end, for a reason.
//
// conformance: FRK-0.2
func TestAcceptBeforeAnswer(t *testing.T) {
	c := talk(t)
	c.Change(0)
	c.wantMessages("OFFER 1")
	c.says(roap.Message{Type: roap.TypeAccept})
	if why := c.wantEvent(signalling.Ignored); why != "accepted without an answer" {
		t.Error(why)
	}
	c.says(roap.Message{Type: roap.TypeAnswer, SDP: "late"})
	c.wantState(jsep.HaveRemotePranswer)
	if at := c.NextTimeout(); at != simtime.At(181*time.Second) {
		t.Errorf("it waits until %v", at)
	}
	c.now = c.NextTimeout()
	c.HandleTimeout(c.now)
	c.wantMessages("ERROR 1 TIMEOUT")
	c.wantState(jsep.Stable)
	if why := c.wantEvent(signalling.Failed); why != "nobody answers" || c.book.rollbacks != 1 || c.Wishes() != 0 {
		t.Errorf("%q, %d rollbacks, %d wishes", why, c.book.rollbacks, c.Wishes())
	}
}

func TestRefusedAnswer(t *testing.T) {
	c := talk(t)
	c.book.refuse = errors.New("not of this world")
	c.says(roap.Message{Type: roap.TypeOffer, Offerer: "B", SDP: "x"})
	c.wantMessages("ERROR 1 NOMATCH")
	c.wantState(jsep.Stable)
	c.Change(0)
	c.wantMessages("OFFER 2")
	c.says(roap.Message{Type: roap.TypeAnswer, Seq: 2})
	c.says(roap.Message{Type: roap.TypeAccept, Seq: 2})
	c.wantMessages("ERROR 2 NOMATCH")
	if why := c.wantEvent(signalling.Failed); why != "not of this world" {
		t.Error(why)
	}
	c.wantState(jsep.Stable)
}

// What comes twice, late, or from somebody else changes nothing.
func TestUselessMessages(t *testing.T) {
	c := talk(t)
	offer := roap.Message{Type: roap.TypeOffer, Offerer: "B", SDP: "x"}
	c.says(offer)
	c.wantMessages("ANSWER 1", "ACCEPT 1")
	for _, m := range []roap.Message{
		offer, {Type: roap.TypeOffer, Offerer: "C", Seq: 9}, {Type: roap.TypeAnswer}, {Type: roap.TypeAccept, Seq: 7}, {Type: roap.TypeError, Error: roap.Conflict},
	} {
		c.says(m)
		c.wantMessages()
		c.wantEvent(signalling.Ignored)
		c.wantState(jsep.Stable)
	}
}

// The end of the session ends everything.
func TestShutdown(t *testing.T) {
	c := talk(t)
	c.Change(0)
	c.wantMessages("OFFER 1")
	c.says(roap.Message{Type: roap.TypeShutdown})
	c.wantState(jsep.Closed)
	if why := c.wantEvent(signalling.Failed); why != "the other end has shut down" || c.NextTimeout() != simtime.Never {
		t.Errorf("%q, %v", why, c.NextTimeout())
	}
	c.Change(0)
	c.wantMessages()
	d := talk(t)
	d.Shutdown(0)
	d.wantMessages("SHUTDOWN 0")
	d.wantState(jsep.Closed)
}
