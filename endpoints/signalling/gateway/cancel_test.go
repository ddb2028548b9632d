package gateway_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

// offers lets the browser offer, and returns the INVITE that becomes of it.
func offers(t *testing.T, g *gateway.Gateway) *sip.Message {
	t.Helper()
	g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 1, SDP: "v=0"})
	_, m := g.PollMessage()
	invite, ok := m.(*sip.Message)
	if !ok || invite.Method != sip.Invite {
		t.Fatalf("the offer becomes %+v", m)
	}
	return invite
}

func hears(t *testing.T, g *gateway.Gateway, want string) {
	t.Helper()
	if got := said(g); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func givesUp() *roap.Message {
	return &roap.Message{Type: roap.TypeError, Offerer: "A", Seq: 1, Error: roap.Timeout}
}

// The browser gives its offer up: the INVITE is cancelled as soon as it may be (RFC 3261 §9.1), and its final response, of
// which the browser doesn't hear, acknowledged.
func TestBrowserGivesUp(t *testing.T) {
	for status, ack := range map[int]string{sip.Terminated: "SIP ACK", sip.OK: "SIP ACK", sip.RequestPending: "SIP ACK"} {
		for _, early := range []bool{false, true} {
			g := newGateway()
			invite := offers(t, g)
			if !early {
				g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
			}
			g.HandleMessage(0, gateway.Browser, givesUp())
			if early {
				hears(t, g, "")
				g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
			}
			leg, m := g.PollMessage()
			if c, ok := m.(*sip.Message); !ok || leg != gateway.SIP || !c.Cancels(invite) {
				t.Fatalf("%d: it says %+v", status, m)
			}
			g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Ringing))
			g.HandleMessage(0, gateway.SIP, sip.CancelOf(invite).Respond(sip.OK)) // of the CANCEL, with the INVITE's number
			hears(t, g, "")
			g.HandleMessage(0, gateway.SIP, invite.Respond(status))
			hears(t, g, ack)
			if g.NextTimeout() != simtime.Never {
				t.Errorf("%d: it waits until %v", status, g.NextTimeout())
			}
		}
	}
}

// An offer behind one that was given up waits until that is over (§14.1): for its final response, or for 64·T1.
func TestOfferBehindOneGivenUp(t *testing.T) {
	for _, word := range []bool{false, true} {
		for _, answered := range []bool{false, true} {
			g := newGateway()
			invite := offers(t, g)
			g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
			if word {
				g.HandleMessage(0, gateway.Browser, givesUp())
				hears(t, g, "SIP CANCEL")
			}
			g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 2, SDP: "v=2"})
			if !word {
				hears(t, g, "SIP CANCEL")
			}
			hears(t, g, "")
			if at := g.NextTimeout(); at != simtime.At(sip.TimerB) {
				t.Errorf("it waits until %v", at)
			}
			if answered {
				g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Terminated))
				hears(t, g, "SIP ACK, SIP INVITE v=2")
				continue
			}
			g.HandleTimeout(simtime.At(sip.TimerB))
			hears(t, g, "SIP INVITE v=2")
		}
	}
}

// A CANCEL that has waited for a provisional response gets its whole time.
func TestOfferBehindLateCancel(t *testing.T) {
	g := newGateway()
	invite := offers(t, g)
	g.HandleMessage(0, gateway.Browser, givesUp())
	late := simtime.At(20 * time.Second)
	g.HandleMessage(late, gateway.SIP, invite.Respond(sip.Ringing))
	hears(t, g, "SIP CANCEL")
	g.HandleMessage(late, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 2, SDP: "v=2"})
	hears(t, g, "")
	if at := g.NextTimeout(); at != late.Add(sip.TimerB) {
		t.Errorf("it waits until %v", at)
	}
}

// One that has lost a glare isn't given up: the other side refuses it, and the next offer doesn't wait.
func TestOfferBehindOneThatHasLost(t *testing.T) {
	g := newGateway()
	offers(t, g)
	invite := sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", 1)
	invite.Glare = 5
	g.HandleMessage(0, gateway.SIP, invite)
	hears(t, g, "SIP 100 Trying, browser OFFER 2 (5)")
	for _, kind := range []roap.MessageType{roap.TypeAnswer, roap.TypeAccept} {
		g.HandleMessage(0, gateway.Browser, &roap.Message{Type: kind, Offerer: "GW", Answerer: "A", Seq: 2})
	}
	hears(t, g, "SIP 200 OK")
	g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 3, SDP: "v=3"})
	hears(t, g, "SIP INVITE v=3")
}

// The browser gives up what the SIP side has accepted: whichever comes to the gateway first, it says so.
func TestGivenUpWhenAccepted(t *testing.T) {
	for _, first := range []bool{false, true} {
		g := newGateway()
		invite := offers(t, g)
		g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
		if first {
			g.HandleMessage(0, gateway.Browser, givesUp())
			hears(t, g, "SIP CANCEL")
		}
		g.HandleMessage(0, gateway.SIP, invite.Respond(sip.OK))
		if first {
			hears(t, g, "SIP ACK")
		} else {
			hears(t, g, "SIP ACK, browser ANSWER 1, browser ACCEPT 1")
			g.HandleMessage(0, gateway.Browser, givesUp())
		}
		n := 0
		for e, ok := g.PollEvent(); ok; e, ok = g.PollEvent() {
			if e.Kind == signalling.OfferGivenUp {
				n++
			}
		}
		if n != 1 {
			t.Errorf("it says so %d times", n)
		}
	}
}

// What rings for ever is cancelled, and the browser told what comes of that; without a provisional response timer B ends it.
func TestInviteThatNobodyAnswers(t *testing.T) {
	ringing := func() (*gateway.Gateway, *sip.Message) {
		g := newGateway()
		invite := offers(t, g)
		g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
		g.HandleTimeout(simtime.At(sip.TimerC))
		hears(t, g, "SIP CANCEL")
		return g, invite
	}
	g, invite := ringing()
	g.HandleMessage(simtime.At(sip.TimerC), gateway.SIP, invite.Respond(sip.Terminated))
	hears(t, g, "SIP ACK, browser ERROR 1 TIMEOUT")
	g, invite = ringing()
	g.HandleMessage(simtime.At(sip.TimerC), gateway.SIP, invite.Respond(sip.OK)) // they cross: both ends have it
	hears(t, g, "SIP ACK, browser ANSWER 1, browser ACCEPT 1")
	g, invite = ringing()
	g.HandleMessage(simtime.At(sip.TimerC), gateway.SIP, invite.Respond(sip.RequestPending)) // it doesn't come again
	hears(t, g, "SIP ACK, browser ERROR 1 TIMEOUT")
	g, invite = ringing()
	g.HandleMessage(simtime.At(sip.TimerC), gateway.SIP, invite.Respond(sip.Trying)) // no reason to wait longer
	if at := g.NextTimeout(); at != simtime.At(sip.TimerC+sip.TimerB) {
		t.Errorf("it waits until %v", at)
	}
	g.HandleTimeout(g.NextTimeout())
	hears(t, g, "browser ERROR 1 TIMEOUT")

	g = newGateway()
	offers(t, g)
	g.HandleTimeout(simtime.At(sip.TimerB))
	hears(t, g, "browser ERROR 1 TIMEOUT")
}

// The end of the session gives up what is on its way, from either side (§15).
func TestEndOfSessionCancels(t *testing.T) {
	g := newGateway()
	invite := offers(t, g)
	g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Trying))
	g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeShutdown, Offerer: "A"})
	hears(t, g, "SIP CANCEL, SIP BYE")
	g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Terminated))
	hears(t, g, "SIP ACK")

	g = newGateway()
	invite = offers(t, g)
	g.HandleMessage(0, gateway.SIP, sip.NewRequest(sip.Bye, "c", "b@phone;tag=2", "a@gw;tag=1", 2))
	hears(t, g, "SIP 200 OK, browser SHUTDOWN 1")
	g.HandleMessage(0, gateway.SIP, invite.Respond(sip.Terminated))
	hears(t, g, "SIP ACK")
}

// A CANCEL of the SIP side becomes an ERROR with TIMEOUT, as of any offer that is given up, if the browser has the offer
// (§9.2).
func TestCancelOfInvite(t *testing.T) {
	for _, processing := range []time.Duration{0, time.Second} {
		g := gateway.New(gateway.Config{
			Name: "GW", Session: "GW", Peer: "A", CallID: "c", Local: "a@gw;tag=1", Remote: "b@phone;tag=2", Processing: processing,
		})
		invite := sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", 1)
		invite.Branches = []string{"B;1"}
		invite.Glare = 5
		g.HandleMessage(0, gateway.SIP, invite)
		told := "SIP 200 OK, SIP 487 Request Terminated"
		if processing == 0 {
			hears(t, g, "SIP 100 Trying, browser OFFER 1 (5)")
			told += ", browser ERROR 1 TIMEOUT"
		} else {
			hears(t, g, "SIP 100 Trying")
		}
		stray := sip.CancelOf(invite)
		stray.Branches = []string{"B;2"}
		g.HandleMessage(0, gateway.SIP, stray)
		hears(t, g, "SIP 481 Call/Transaction Does Not Exist")
		g.HandleMessage(0, gateway.SIP, sip.CancelOf(invite))
		hears(t, g, told)
		if g.NextTimeout() != simtime.Never {
			t.Errorf("it waits until %v", g.NextTimeout())
		}
		g.HandleMessage(0, gateway.SIP, sip.CancelOf(invite)) // too late
		hears(t, g, "SIP 200 OK")
	}
}

// It comes too late behind an acceptance.
func TestCancelOfAcceptedInvite(t *testing.T) {
	g := newGateway()
	invite := sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", 1)
	invite.Branches = []string{"B;1"}
	g.HandleMessage(0, gateway.SIP, invite)
	for _, kind := range []roap.MessageType{roap.TypeAnswer, roap.TypeAccept} {
		g.HandleMessage(0, gateway.Browser, &roap.Message{Type: kind, Offerer: "GW", Answerer: "A", Seq: 1})
	}
	said(g)
	g.HandleMessage(0, gateway.SIP, sip.CancelOf(invite))
	hears(t, g, "SIP 200 OK")
}
