package gateway_test

import (
	"strings"
	"testing"

	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func newGateway() *gateway.Gateway {
	return gateway.New(gateway.Config{
		Name: "GW", Session: "GW", Peer: "A", CallID: "c", Local: "a@gw;tag=1", Remote: "b@phone;tag=2",
		Resolution: glare.TieBreaker, Random: rng.New(1).Stream("GW"),
	})
}

// said returns what the gateway says, such as "SIP INVITE v=0" or "browser ANSWER 1 v=0".
func said(g *gateway.Gateway) string {
	var list []string
	for leg, m := g.PollMessage(); m != nil; leg, m = g.PollMessage() {
		body, to := "", map[int]string{gateway.Browser: "browser ", gateway.SIP: "SIP "}[leg]
		switch m := m.(type) {
		case *roap.Message:
			body = m.SDP
		case *sip.Message:
			body = m.Body
		}
		list = append(list, strings.TrimSpace(to+m.Title()+" "+body))
	}
	return strings.Join(list, ", ")
}

// The table of 001, rule 0.1, with what comes one behind the other.
//
// conformance: FRK-0.1
func TestConversion(t *testing.T) {
	response := func(status int, body string) func(*sip.Message) *sip.Message {
		return func(invite *sip.Message) *sip.Message {
			r := invite.Respond(status)
			r.Body = body
			return r
		}
	}
	type step struct {
		response func(*sip.Message) *sip.Message
		want     string
	}
	for name, steps := range map[string][]step{
		"rings and is taken": {
			{response(sip.Trying, ""), ""},
			{response(sip.Ringing, ""), "browser ANSWER 1, more coming"},
			{response(sip.OK, "v=1"), "SIP ACK, browser ANSWER 1 v=1, browser ACCEPT 1"},
		},
		"early media": {
			{response(sip.SessionProgress, "v=1"), "browser ANSWER 1, more coming v=1"},
			{response(sip.OK, "v=1"), "SIP ACK, browser ACCEPT 1"}, // the answer is the one before
		},
		"another answer": {
			{response(sip.SessionProgress, "v=1"), "browser ANSWER 1, more coming v=1"},
			{response(sip.OK, "v=2"), "SIP ACK, browser ANSWER 1 v=2, browser ACCEPT 1"},
		},
		"rings after early media, and is queued": {
			{response(sip.SessionProgress, "v=1"), "browser ANSWER 1, more coming v=1"},
			{response(sip.Ringing, ""), ""},
			{response(182, ""), ""},
			{response(202, ""), "SIP ACK, browser ACCEPT 1"},
		},
		"an answer before": {
			{response(sip.SessionProgress, "v=1"), "browser ANSWER 1, more coming v=1"},
			{response(sip.OK, ""), "SIP ACK, browser ACCEPT 1"},
		},
		"no common codec": {{response(sip.NotAcceptable, ""), "SIP ACK, browser ERROR 1 NOMATCH"}},
		"nobody there":    {{response(sip.RequestTimeout, ""), "SIP ACK, browser ERROR 1 TIMEOUT"}},
		"busy":            {{response(486, ""), "SIP ACK, browser ERROR 1 REFUSED"}},
	} {
		g := newGateway()
		g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 1, TieBreaker: 7, SDP: "v=0"})
		_, m := g.PollMessage()
		invite, ok := m.(*sip.Message)
		if !ok || invite.Method != sip.Invite || invite.Body != "v=0" {
			t.Fatalf("%s: the offer becomes %+v", name, m)
		}
		for _, s := range steps {
			g.HandleMessage(0, gateway.SIP, s.response(invite))
			if got := said(g); got != s.want {
				t.Errorf("%s: %q, not %q", name, got, s.want)
			}
		}
	}
}

// And in the other direction.
//
// conformance: FRK-0.1
func TestConversionOfInvites(t *testing.T) {
	g := newGateway()
	invite := sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", 1)
	invite.Body, invite.Glare = "v=0", 5
	g.HandleMessage(0, gateway.SIP, invite)
	if got := said(g); got != "SIP 100 Trying, browser OFFER 1 (5) v=0" {
		t.Error(got)
	}
	answer := roap.Message{Type: roap.TypeAnswer, Offerer: "GW", Answerer: "A", Seq: 1, SDP: "v=1"}
	accept := roap.Message{Type: roap.TypeAccept, Offerer: "GW", Answerer: "A", Seq: 1}
	g.HandleMessage(0, gateway.Browser, &accept) // of no answer: it has none
	g.HandleMessage(0, gateway.Browser, &answer)
	if got := said(g); got != "" { // which is no acceptance
		t.Error(got)
	}
	g.HandleMessage(0, gateway.Browser, &accept)
	if got := said(g); got != "SIP 200 OK v=1" {
		t.Error(got)
	}
	bye := sip.NewRequest(sip.Bye, "c", "b@phone;tag=2", "a@gw;tag=1", 2)
	g.HandleMessage(0, gateway.SIP, bye)
	if got := said(g); got != "SIP 200 OK, browser SHUTDOWN 1" {
		t.Error(got)
	}
}

// The end of the session ends what is pending on either side, once.
func TestEndOfSession(t *testing.T) {
	g := newGateway()
	invite := func(cseq uint32) *sip.Message {
		return sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", cseq)
	}
	g.HandleMessage(0, gateway.SIP, invite(1))
	said(g)
	g.HandleMessage(0, gateway.SIP, invite(2)) // before the first is answered (RFC 3261 §14.2)
	if got := said(g); !strings.HasPrefix(got, "SIP 100 Trying, SIP 500 Server Internal Error, retry after ") {
		t.Error(got)
	}
	for _, want := range []string{"SIP 487 Request Terminated, SIP BYE", ""} {
		g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeShutdown, Offerer: "A"})
		if got := said(g); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	g.HandleMessage(0, gateway.SIP, invite(3))
	if got := said(g); got != "SIP 100 Trying, SIP 481 Call/Transaction Does Not Exist" || g.NextTimeout() != simtime.Never {
		t.Errorf("%q, until %v", got, g.NextTimeout())
	}
	g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: 9})
	if got := said(g); got != "browser ERROR 9 FAILED" {
		t.Error(got)
	}
}

// An offer that the browser doesn't answer is given up as SIP does (timer B).
func TestBrowserThatDoesNotAnswer(t *testing.T) {
	g := newGateway()
	invite := sip.NewRequest(sip.Invite, "c", "b@phone;tag=2", "a@gw;tag=1", 1)
	g.HandleMessage(0, gateway.SIP, invite)
	said(g)
	g.HandleMessage(0, gateway.Browser, &roap.Message{Type: roap.TypeAccept, Offerer: "GW", Seq: 7}) // of an offer that there isn't
	if got := said(g); got != "browser ERROR 7 FAILED" {
		t.Error(got)
	}
	now := g.NextTimeout()
	g.HandleTimeout(now)
	if got := said(g); now != simtime.At(sip.TimerB) || got != "SIP 408 Request Timeout, browser ERROR 1 TIMEOUT" || g.NextTimeout() != simtime.Never {
		t.Errorf("at %v: %q", now, got)
	}
}
