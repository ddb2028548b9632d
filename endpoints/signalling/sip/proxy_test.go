package sip_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

// said takes the next message of a proxy, which has to be this one on this leg.
func said(t *testing.T, p *sip.Proxy, leg int, method string, status int) *sip.Message {
	t.Helper()
	l, m := p.PollMessage()
	d, ok := m.(*sip.Message)
	if !ok || l != leg || d.Method != method || d.Status != status {
		t.Fatalf("the next message is %+v on leg %d, not %s %d on %d", m, l, method, status, leg)
	}
	return d
}

// passed returns a proxy that has handed an INVITE on, and the INVITE behind it.
func passed(t *testing.T) (*sip.Proxy, *sip.Message, *sip.Message) {
	t.Helper()
	p, m := sip.NewProxy("P"), invitation(1)
	p.HandleMessage(0, 0, m)
	said(t, p, 0, sip.Invite, sip.Trying)
	return p, m, said(t, p, 1, sip.Invite, 0)
}

// RFC 3261 §16.10: a CANCEL is answered at once, and another one goes on, with the proxy's own branch.
func TestProxyCancels(t *testing.T) {
	p, m, sent := passed(t)
	p.HandleMessage(0, 1, sent.Respond(sip.Ringing))
	said(t, p, 0, sip.Invite, sip.Ringing)
	for i := range 2 { // the second time it has been said
		p.HandleMessage(second, 0, sip.CancelOf(m))
		said(t, p, 0, sip.Cancel, sip.OK)
		if i == 0 {
			if c := said(t, p, 1, sip.Cancel, 0); !slices.Equal(c.Branches, sent.Branches[:1]) {
				t.Errorf("%+v", c)
			}
		}
		silent(t, p)
	}
	p.HandleMessage(second, 1, sip.CancelOf(sent).Respond(sip.OK)) // of this hop
	silent(t, p)
	p.HandleMessage(second, 1, sent.Respond(sip.Terminated))
	if r := said(t, p, 0, sip.Invite, sip.Terminated); !slices.Equal(r.Branches, m.Branches) {
		t.Errorf("%+v", r)
	}
	said(t, p, 1, sip.Ack, 0)
	p.HandleMessage(second, 0, sip.CancelOf(m)) // too late
	said(t, p, 0, sip.Cancel, sip.OK)
	silent(t, p)
	p.HandleMessage(second, 0, sip.AckOf(m, m.Respond(sip.Terminated)))
	silent(t, p)
	if at := p.NextTimeout(); at != simtime.Never {
		t.Errorf("it waits until %v", at)
	}
}

// §9.1: it waits for a provisional response, of which 100 is one.
func TestProxyWaitsForProvisional(t *testing.T) {
	p, m, sent := passed(t)
	p.HandleMessage(0, 0, sip.CancelOf(m))
	said(t, p, 0, sip.Cancel, sip.OK)
	silent(t, p)
	p.HandleMessage(second, 1, sent.Respond(sip.Trying))
	said(t, p, 1, sip.Cancel, 0)
	silent(t, p)
	if at := p.NextTimeout(); at != second.Add(sip.TimerB) {
		t.Errorf("it waits until %v", at)
	}
}

// A 200 that crosses the CANCEL goes on (§16.7), as one does behind a refusal of the proxy's own.
func TestProxyPassesAcceptance(t *testing.T) {
	p, m, sent := passed(t)
	p.HandleMessage(0, 1, sent.Respond(sip.Ringing))
	said(t, p, 0, sip.Invite, sip.Ringing)
	p.HandleMessage(0, 0, sip.CancelOf(m))
	said(t, p, 0, sip.Cancel, sip.OK)
	said(t, p, 1, sip.Cancel, 0)
	p.HandleMessage(0, 1, sent.Respond(sip.OK))
	said(t, p, 0, sip.Invite, sip.OK)
	silent(t, p)
	if at := p.NextTimeout(); at != simtime.Never {
		t.Errorf("it waits until %v", at)
	}

	p, _, sent = passed(t)
	p.HandleTimeout(p.NextTimeout())
	said(t, p, 0, sip.Invite, sip.RequestTimeout)
	p.HandleMessage(0, 1, sent.Respond(sip.Ringing))
	silent(t, p)
	p.HandleMessage(0, 1, sent.Respond(sip.OK))
	said(t, p, 0, sip.Invite, sip.OK)
}

// A CANCEL of what is refused already, and not acknowledged, goes no further.
func TestProxyCancelsNothingRefused(t *testing.T) {
	p, m, sent := passed(t)
	p.HandleMessage(0, 1, sent.Respond(sip.Ringing))
	said(t, p, 0, sip.Invite, sip.Ringing)
	p.HandleMessage(0, 1, sent.Respond(sip.NotAcceptable))
	said(t, p, 0, sip.Invite, sip.NotAcceptable)
	said(t, p, 1, sip.Ack, 0)
	p.HandleMessage(0, 0, sip.CancelOf(m))
	said(t, p, 0, sip.Cancel, sip.OK)
	silent(t, p)
}

// §16.10: what it has no state of goes on as it is, and so does the answer.
func TestProxyWithoutState(t *testing.T) {
	p, _, _ := passed(t)
	p.HandleMessage(0, 0, sip.CancelOf(invitation(2)))
	c := said(t, p, 1, sip.Cancel, 0)
	p.HandleMessage(0, 1, c.Respond(sip.NoDialog))
	if r := said(t, p, 0, sip.Cancel, sip.NoDialog); !slices.Equal(r.Branches, invitation(2).Branches[:1]) {
		t.Errorf("%+v", r)
	}
	stray := c.Respond(sip.NoDialog)
	stray.Branches = []string{"Q;1", "A;2"}
	p.HandleMessage(0, 1, stray)
	silent(t, p)
	// A CANCEL from the side that the INVITE went to isn't one of it.
	p.HandleMessage(0, 1, sip.CancelOf(invitation(1)))
	said(t, p, 0, sip.Cancel, 0)
}

// §16.6, §16.7, §16.8: timer C is more than three minutes, begins anew with 101 to 199, and cancels what rings; without a
// provisional response it is as if there were a 408.
func TestTimerC(t *testing.T) {
	p, m, sent := passed(t)
	start := p.NextTimeout()
	if start <= simtime.At(3*time.Minute) {
		t.Errorf("timer C is %v", start)
	}
	p.HandleMessage(second, 1, sent.Respond(sip.Trying)) // which doesn't count
	if at := p.NextTimeout(); at != start {
		t.Errorf("timer C ends at %v", at)
	}
	p.HandleMessage(10*second, 1, sent.Respond(199))
	said(t, p, 0, sip.Invite, 199)
	due := p.NextTimeout()
	if due != start+10*second {
		t.Errorf("timer C ends at %v", due)
	}
	p.HandleTimeout(due - 1)
	silent(t, p)
	p.HandleTimeout(due)
	said(t, p, 1, sip.Cancel, 0)
	p.HandleMessage(due, 1, sent.Respond(sip.Ringing)) // no reason to wait longer
	said(t, p, 0, sip.Invite, sip.Ringing)
	due = due.Add(sip.TimerB)
	if at := p.NextTimeout(); at != due {
		t.Errorf("it waits until %v, not %v", at, due)
	}
	p.HandleTimeout(due) // nobody heeds it
	said(t, p, 0, sip.Invite, sip.RequestTimeout)
	p.HandleMessage(due, 0, sip.AckOf(m, m.Respond(sip.RequestTimeout)))
	silent(t, p)
	if at := p.NextTimeout(); at != simtime.Never {
		t.Errorf("it waits until %v", at)
	}

	p, _, _ = passed(t)
	p.HandleTimeout(start)
	said(t, p, 0, sip.Invite, sip.RequestTimeout)
	silent(t, p)
	p.HandleTimeout(p.NextTimeout()) // no ACK: timer H (§17.2.1)
	silent(t, p)
	if at := p.NextTimeout(); at != simtime.Never {
		t.Errorf("it waits until %v", at)
	}
}
