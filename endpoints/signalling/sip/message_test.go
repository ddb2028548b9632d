package sip_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling/sip"
)

func invite() *sip.Message {
	m := sip.NewRequest(sip.Invite, "c@x", "alice@a.example;tag=1", "bob@b.example;tag=2", 7)
	m.Branches = []string{"proxy;9", "alice;3"}
	m.Glare, m.Body = 42, "v=0\r\n"
	return m
}

func TestMessages(t *testing.T) {
	const text = "INVITE sip:bob@b.example SIP/2.0\r\n" +
		"Via: SIP/2.0/TCP proxy;branch=z9hG4bK9\r\nVia: SIP/2.0/TCP alice;branch=z9hG4bK3\r\nMax-Forwards: 70\r\n" +
		"From: <sip:alice@a.example>;tag=1\r\nTo: <sip:bob@b.example>;tag=2\r\nCall-ID: c@x\r\nCSeq: 7 INVITE\r\n" +
		"Contact: <sip:alice@a.example>\r\nGlare-Resolution: 42\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
	m := invite()
	if got := string(m.Marshal()); got != text {
		t.Errorf("written as\n%s", got)
	}
	pending := m.Respond(sip.RequestPending)
	pending.RetryAfter = 4 * time.Second
	for _, m := range []*sip.Message{m, pending, m.Respond(sip.OK), sip.AckOf(m, pending), sip.CancelOf(m), sip.NewRequest(sip.Bye, "c", "a@x", "b@x", 1)} {
		b := m.Marshal()
		got, n, err := sip.Parse(append(b, "INVITE"...)) // the next message of the stream
		if err != nil || n != len(b) || !reflect.DeepEqual(got, m) {
			t.Errorf("%s is read as %+v, %d, %v", b, got, n, err)
		}
		for i := range b {
			if _, _, err := sip.Parse(b[:i]); !errors.Is(err, sip.ErrIncomplete) {
				t.Fatalf("%d octets of %s: %v", i, b, err)
			}
		}
	}
}

func TestMalformedMessages(t *testing.T) {
	good := string(invite().Marshal())
	for from, to := range map[string]string{
		"INVITE sip:": "HELLO sip:", "SIP/2.0\r\nVia": "SIP/3.0\r\nVia", "<sip:alice@a.example>;tag=1": "alice", "Call-ID: c@x\r\n": "",
		"CSeq: 7": "CSeq: x", "7 INVITE": "7 BYE", "Content-Length: 5": "Content-Length: -5", "Content-Length: 5\r\n": "", "branch=z9hG4bK9": "branch=9",
		"Glare-Resolution: 42": "Glare-Resolution: 4294967296", "Max-Forwards: 70": "Max-Forwards",
	} {
		if bad := strings.Replace(good, from, to, 1); bad == good {
			t.Fatalf("no %q", from)
		} else if m, _, err := sip.Parse([]byte(bad)); err == nil || errors.Is(err, sip.ErrIncomplete) {
			t.Errorf("with %q it is read as %+v, %v", to, m, err)
		}
	}
	for _, status := range []string{"SIP/2.0 99 x", "SIP/2.0 700 x", "SIP/2.0 abc"} {
		if _, _, err := sip.Parse([]byte(strings.Replace(good, "INVITE sip:bob@b.example SIP/2.0", status, 1))); err == nil {
			t.Errorf("%q is taken", status)
		}
	}
	if _, _, err := sip.Parse(make([]byte, 1<<17)); err == nil || errors.Is(err, sip.ErrIncomplete) {
		t.Errorf("a header without an end: %v", err)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(invite().Marshal())
	f.Add(invite().Respond(sip.Ringing).Marshal())
	f.Add(sip.CancelOf(invite()).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, n, err := sip.Parse(b)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%d of %d octets", n, len(b))
		}
		again, _, err := sip.Parse(m.Marshal())
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v is written and read as %+v, %v", m, again, err)
		}
	})
}

// A user agent that has lost by its value takes what the other end offers as if it had nothing outstanding, more than
// once, and doesn't offer again.
func TestUserAgentThatHasLost(t *testing.T) {
	u := sip.NewUserAgent(sip.Config{Name: "B", CallID: "c", Local: "b@x", Remote: "a@x", TieBreaker: true, Random: source("B")})
	u.Change(0)
	own := next(t, u, sip.Invite, 0)
	for cseq := range uint32(2) {
		m := sip.NewRequest(sip.Invite, "c", "a@x", "b@x", cseq+1)
		m.Glare = 1<<32 - 1
		u.HandleMessage(0, 0, m)
		next(t, u, sip.Invite, sip.OK)
	}
	u.HandleMessage(0, 0, own.Respond(sip.RequestPending))
	next(t, u, sip.Ack, 0)
	if _, m := u.PollMessage(); m != nil || u.Wishes() > 0 || !u.Idle() {
		t.Errorf("%v, %d wishes", m, u.Wishes())
	}
}
