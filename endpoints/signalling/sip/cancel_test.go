package sip_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

const second = simtime.Time(time.Second)

// book is a Describer that counts.
type book struct{ offered, answered, agreed, rolledBack int }

func (b *book) Offer(simtime.Time) string { b.offered++; return "offer" }
func (b *book) Answer(simtime.Time, string) (string, error) {
	b.answered++
	return "answer", nil
}
func (b *book) Agree(simtime.Time, string) error { b.agreed++; return nil }
func (b *book) Rollback(simtime.Time)            { b.rolledBack++ }

func userAgent(rings time.Duration) (*sip.UserAgent, *book) {
	b := &book{}
	return sip.NewUserAgent(sip.Config{Name: "B", CallID: "c", Local: "b@x;tag=b", Remote: "a@x;tag=a", Random: source("B"), Rings: rings, Describe: b}), b
}

// invitation is an INVITE of the other end, with a branch of its own.
func invitation(cseq uint32) *sip.Message {
	m := sip.NewRequest(sip.Invite, "c", "a@x;tag=a", "b@x;tag=b", cseq)
	m.Branches = []string{"proxy;" + string(rune('0'+cseq)), "A;" + string(rune('0'+cseq))}
	return m
}

// silent fails if a node has something to say.
func silent(t *testing.T, n signalling.Node) {
	t.Helper()
	if _, m := n.PollMessage(); m != nil {
		t.Fatalf("it says %s", m.Title())
	}
}

// happened returns what has happened of some kinds.
func happened(n signalling.Node, kinds ...signalling.EventKind) []string {
	var list []string
	for e, ok := n.PollEvent(); ok; e, ok = n.PollEvent() {
		if slices.Contains(kinds, e.Kind) {
			list = append(list, e.Kind.String()+": "+e.Reason)
		}
	}
	return list
}

func want(t *testing.T, got []string, list ...string) {
	t.Helper()
	if !slices.Equal(got, list) {
		t.Errorf("%q, not %q", got, list)
	}
}

// RFC 3261 §9.1: all but the method is the INVITE's, with its top Via alone.
func TestCancelIsLikeItsInvite(t *testing.T) {
	m := invite()
	got := sip.CancelOf(m)
	like := sip.NewRequest(sip.Cancel, m.CallID, m.From, m.To, m.CSeq)
	like.Branches = []string{"proxy;9"}
	if !reflect.DeepEqual(got, like) || !got.Cancels(m) {
		t.Errorf("%+v", got)
	}
	read, _, err := sip.Parse(got.Marshal())
	if err != nil || !reflect.DeepEqual(read, got) {
		t.Errorf("it is read as %+v, %v", read, err)
	}
	other := *m
	other.Branches = []string{"alice;3"}
	if got.Cancels(&other) || got.Cancels(nil) || got.Respond(sip.OK).Cancels(m) || m.Cancels(m) {
		t.Error("it cancels something else")
	}
}

// §9.1: there is no CANCEL before a provisional response, one behind it, and none behind the final one.
func TestCancelWaitsForProvisional(t *testing.T) {
	u, b := userAgent(0)
	u.GiveUp(0) // nothing is outstanding
	u.Change(0)
	own := next(t, u, sip.Invite, 0)
	u.GiveUp(second)
	silent(t, u)
	u.HandleMessage(2*second, 0, own.Respond(sip.Trying))
	if m := next(t, u, sip.Cancel, 0); !m.Cancels(own) || m.CSeq != own.CSeq || m.To != own.To {
		t.Errorf("%+v", m)
	}
	u.HandleMessage(2*second, 0, own.Respond(sip.Ringing))
	u.GiveUp(2 * second)
	silent(t, u)
	if at := u.NextTimeout(); at != simtime.At(2*time.Second+sip.TimerB) || b.rolledBack > 0 {
		t.Errorf("it waits until %v, and is rolled back %d times", at, b.rolledBack)
	}
	u.HandleMessage(3*second, 0, sip.CancelOf(own).Respond(sip.OK)) // which isn't the INVITE's
	silent(t, u)
	u.HandleMessage(3*second, 0, own.Respond(sip.Terminated))
	if ack := next(t, u, sip.Ack, 0); ack.Branches[0] != own.Branches[0] { // §17.1.1.3
		t.Errorf("%+v", ack)
	}
	silent(t, u)
	want(t, happened(u, signalling.ChangeCancelled, signalling.Failed, signalling.Ignored), "change-cancelled: given up")
	if b.rolledBack != 1 || u.Wishes() > 0 || !u.Idle() || u.NextTimeout() != simtime.Never {
		t.Errorf("%+v, %d wishes, until %v", b, u.Wishes(), u.NextTimeout())
	}
}

// §15: an INVITE that is accepted before its CANCEL comes has changed the session.
func TestCancelCrossesAcceptance(t *testing.T) {
	u, b := userAgent(0)
	u.Change(0)
	own := next(t, u, sip.Invite, 0)
	u.HandleMessage(0, 0, own.Respond(sip.Ringing))
	u.GiveUp(second)
	next(t, u, sip.Cancel, 0)
	u.HandleMessage(2*second, 0, own.Respond(sip.OK))
	if ack := next(t, u, sip.Ack, 0); ack.Branches[0] == own.Branches[0] || ack.CSeq != own.CSeq { // §13.2.2.4
		t.Errorf("%+v", ack)
	}
	want(t, happened(u, signalling.Agreed, signalling.ChangeCancelled, signalling.Failed), "offer-agreed: ")
	if b.agreed != 1 || b.rolledBack != 0 || u.Wishes() > 0 || !u.Idle() {
		t.Errorf("%+v, %d wishes", b, u.Wishes())
	}
}

// A change that is given up doesn't come again behind a refusal for glare; one that isn't does.
func TestCancelCrossesGlare(t *testing.T) {
	for _, givesUp := range []bool{false, true} {
		u, _ := userAgent(0)
		u.Change(0)
		own := next(t, u, sip.Invite, 0)
		u.HandleMessage(0, 0, own.Respond(sip.Trying))
		if givesUp {
			u.GiveUp(0)
			next(t, u, sip.Cancel, 0)
		}
		u.HandleMessage(0, 0, own.Respond(sip.RequestPending))
		next(t, u, sip.Ack, 0)
		if again := u.NextTimeout() != simtime.Never; again == givesUp || again != (u.Wishes() > 0) {
			t.Errorf("given up %v, it comes again at %v; %d wishes", givesUp, u.NextTimeout(), u.Wishes())
		}
	}
}

// §9.1, §17.1.1.2: without any response timer B ends an INVITE without a word; what rings for ever is cancelled, and ends
// 64·T1 later though nobody answers.
func TestTimeouts(t *testing.T) {
	u, b := userAgent(0)
	u.Change(0)
	next(t, u, sip.Invite, 0)
	u.HandleTimeout(simtime.At(sip.TimerB))
	silent(t, u)
	want(t, happened(u, signalling.Failed), "negotiation-failed: 408 Request Timeout")

	u.Change(0)
	own := next(t, u, sip.Invite, 0)
	u.HandleMessage(0, 0, own.Respond(sip.Ringing))
	end := simtime.At(sip.TimerC)
	if at := u.NextTimeout(); at != end {
		t.Errorf("it rings until %v", at)
	}
	u.HandleTimeout(end)
	next(t, u, sip.Cancel, 0)
	u.HandleMessage(end, 0, own.Respond(sip.Ringing)) // no reason to wait longer
	if at := u.NextTimeout(); at != end.Add(sip.TimerB) || b.rolledBack != 1 || u.Wishes() != 1 {
		t.Errorf("it is over at %v; %+v", at, b)
	}
	u.HandleTimeout(end.Add(sip.TimerB))
	silent(t, u)
	want(t, happened(u, signalling.Failed), "negotiation-failed: 408 Request Timeout")
	if b.rolledBack != 2 || u.Wishes() > 0 || !u.Idle() {
		t.Errorf("%+v, %d wishes", b, u.Wishes())
	}
}

// What nobody has answered in time has failed, whatever the CANCEL crosses.
func TestTimeoutThatIsHeeded(t *testing.T) {
	for status, reason := range map[int]string{sip.Terminated: "487 Request Terminated", sip.RequestPending: "491 Request Pending"} {
		u, _ := userAgent(0)
		u.Change(0)
		own := next(t, u, sip.Invite, 0)
		u.HandleMessage(0, 0, own.Respond(sip.Ringing))
		u.HandleTimeout(simtime.At(sip.TimerC))
		next(t, u, sip.Cancel, 0)
		u.HandleMessage(0, 0, own.Respond(status))
		next(t, u, sip.Ack, 0)
		want(t, happened(u, signalling.Failed, signalling.ChangeCancelled), "negotiation-failed: "+reason)
		if u.Wishes() > 0 || u.NextTimeout() != simtime.Never {
			t.Errorf("%d: %d wishes, until %v", status, u.Wishes(), u.NextTimeout())
		}
	}
}

// The end of a session ends what is outstanding, and acknowledges what comes of that (§15).
func TestShutdownCancels(t *testing.T) {
	for _, status := range []int{sip.Terminated, sip.OK} {
		u, b := userAgent(0)
		u.Change(0)
		own := next(t, u, sip.Invite, 0)
		u.HandleMessage(0, 0, own.Respond(sip.Ringing))
		u.Shutdown(second)
		next(t, u, sip.Cancel, 0)
		next(t, u, sip.Bye, 0)
		u.HandleMessage(second, 0, own.Respond(status))
		next(t, u, sip.Ack, 0)
		silent(t, u)
		if b.agreed > 0 || !u.Idle() || u.NextTimeout() != simtime.Never {
			t.Errorf("%d: %+v, until %v", status, b, u.NextTimeout())
		}
	}
	u, _ := userAgent(0)
	u.Change(0)
	next(t, u, sip.Invite, 0)
	u.Shutdown(second)
	next(t, u, sip.Bye, 0)
	u.HandleTimeout(simtime.At(sip.TimerB))
	silent(t, u)
	if !u.Idle() || u.NextTimeout() != simtime.Never {
		t.Errorf("it waits until %v", u.NextTimeout())
	}
}

// §13.3.1.1: what rings has changed nothing; it is accepted at last, and the own change waits for that (§14.1).
func TestRinging(t *testing.T) {
	u, b := userAgent(5 * time.Second)
	m := invitation(1)
	u.HandleMessage(0, 0, m)
	next(t, u, sip.Invite, sip.Ringing)
	u.HandleMessage(0, 0, m) // §17.2.1
	next(t, u, sip.Invite, sip.Ringing)
	u.Change(0)
	u.HandleMessage(0, 0, invitation(2)) // §14.2
	if r := next(t, u, sip.Invite, sip.ServerError); r.RetryAfter < 0 || r.RetryAfter > 10*time.Second || r.CSeq != 2 {
		t.Errorf("%+v", r)
	}
	silent(t, u)
	if b.answered > 0 || u.Idle() || u.NextTimeout() != 5*second {
		t.Errorf("%+v, until %v", b, u.NextTimeout())
	}
	u.HandleTimeout(5 * second)
	if r := next(t, u, sip.Invite, sip.OK); r.CSeq != 1 || r.Body != "answer" {
		t.Errorf("%+v", r)
	}
	next(t, u, sip.Invite, 0)
}

// §9.2: a CANCEL ends what rings, and nothing has changed; what has waited goes on.
func TestCancelEndsRinging(t *testing.T) {
	u, b := userAgent(5 * time.Second)
	m := invitation(1)
	u.HandleMessage(0, 0, m)
	next(t, u, sip.Invite, sip.Ringing)
	u.Change(0)
	u.HandleMessage(second, 0, sip.CancelOf(m))
	next(t, u, sip.Cancel, sip.OK)
	if r := next(t, u, sip.Invite, sip.Terminated); !slices.Equal(r.Branches, m.Branches) {
		t.Errorf("%+v", r)
	}
	next(t, u, sip.Invite, 0)
	silent(t, u)
	if b.answered > 0 || b.rolledBack > 0 {
		t.Errorf("%+v", b)
	}
	want(t, happened(u, signalling.OfferDiscarded, signalling.OfferAccepted), "offer-discarded: Request Terminated")
	if at := u.NextTimeout(); at != second.Add(sip.TimerB) { // of its own INVITE
		t.Errorf("it has something to do at %v", at)
	}
	u.HandleMessage(second, 0, sip.CancelOf(m)) // again: the INVITE has its final response
	next(t, u, sip.Cancel, sip.OK)
	silent(t, u)
}

// §9.2: it has no effect on what has its final response, and one of nothing is refused.
func TestCancelTooLate(t *testing.T) {
	u, b := userAgent(0)
	m := invitation(1)
	u.HandleMessage(0, 0, m)
	next(t, u, sip.Invite, sip.OK)
	u.HandleMessage(0, 0, sip.CancelOf(m))
	next(t, u, sip.Cancel, sip.OK)
	silent(t, u)
	u.HandleMessage(0, 0, sip.CancelOf(invitation(2)))
	next(t, u, sip.Cancel, sip.NoDialog)
	silent(t, u)
	want(t, happened(u, signalling.Ignored, signalling.OfferDiscarded), "signalling-ignored: a CANCEL of nothing")
	if b.answered != 1 || b.rolledBack > 0 {
		t.Errorf("%+v", b)
	}
}

// §15.1.2: the end of the session answers what rings.
func TestEndWhileRinging(t *testing.T) {
	for _, end := range []func(*sip.UserAgent){
		func(u *sip.UserAgent) { u.Shutdown(0) },
		func(u *sip.UserAgent) { u.HandleMessage(0, 0, sip.NewRequest(sip.Bye, "c", "a@x", "b@x", 9)) },
	} {
		u, _ := userAgent(time.Second)
		u.HandleMessage(0, 0, invitation(1))
		next(t, u, sip.Invite, sip.Ringing)
		end(u)
		said := map[string]bool{}
		for _, m := u.PollMessage(); m != nil; _, m = u.PollMessage() {
			said[m.Title()] = true
		}
		if !said["487 Request Terminated"] || u.NextTimeout() != simtime.Never || !u.Idle() {
			t.Errorf("%v, until %v", said, u.NextTimeout())
		}
	}
}
