package turn_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Why a client fails: what servers say, and whether they prove that they are the ones that know the password.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(m *stun.Message) []byte // to requests with credentials
		want   string
	}{
		{"300", func(m *stun.Message) []byte { return refuse(m, 300, key) }, "the server refuses Allocate: 300 Try Alternate: another server may do"},
		{"401", func(m *stun.Message) []byte { return challenge(m, 401, "n2") }, "401 Unauthenticated: the name or the password is wrong"},
		{"403", func(m *stun.Message) []byte { return refuse(m, 403, key) }, "403 Forbidden"},
		{"437", func(m *stun.Message) []byte { return refuse(m, 437, key) }, "437 Allocation Mismatch: the server knows this address and port already, another port may do"},
		{"438 forever", func(m *stun.Message) []byte { return challenge(m, 438, "n2") }, "438 Stale Nonce: it gives no nonce that it takes"},
		{"438 without a nonce", func(m *stun.Message) []byte { return refuse(m, 438) }, "438 Stale Nonce"},
		{"440", func(m *stun.Message) []byte { return refuse(m, 440, key) }, "440 Address Family not Supported"},
		{"442", func(m *stun.Message) []byte { return refuse(m, 442, key) }, "442 Unsupported Transport Protocol: it doesn't relay UDP"},
		{"486", func(m *stun.Message) []byte { return refuse(m, 486, key) }, "486 Allocation Quota Reached: the user has too many allocations"},
		{"508", func(m *stun.Message) []byte { return refuse(m, 508, key) }, "508 Insufficient Capacity: it has no relayed address left"},
		{"words of the server", func(m *stun.Message) []byte {
			return respond(m, stun.ClassErrorResponse, stun.ErrorCodeAttribute{Code: 508, Reason: []byte("come back later")}, key)
		}, "508 come back later"},
		{"no code", func(m *stun.Message) []byte { return respond(m, stun.ClassErrorResponse, key) }, "an error without a code"},
		// RFC 8489 §9.2.5: as if they had never been received.
		{"486 of anybody", func(m *stun.Message) []byte { return refuse(m, 486) }, "no answer from the server has valid integrity; one that has none says: the server refuses Allocate: 486"},
		{"486 of a stranger", func(m *stun.Message) []byte { return refuse(m, 486, stun.NewShortTermIntegrity("x")) }, "no answer from the server has valid integrity"},
		{"400 of anybody", func(m *stun.Message) []byte { return refuse(m, 400) }, "no answer from the server has valid integrity"},
		{"success of anybody", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), mappedAttr)
		}, "no answer from the server has valid integrity"},
		{"a wrong fingerprint", func(m *stun.Message) []byte {
			b := respond(m, stun.ClassErrorResponse, stun.ErrorCodeAttribute{Code: 486}, key)
			b[len(b)-1] ^= 1
			return b
		}, "no answer from the server"},
		{"another transaction", func(m *stun.Message) []byte {
			m.TransactionID[0] ^= 1
			return refuse(m, 486, key)
		}, "no answer from the server"},
		{"another method", func(m *stun.Message) []byte {
			m.Type.Method = stun.MethodRefresh
			return refuse(m, 486, key)
		}, "no answer from the server"},
		{"no relayed address", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, lifetimeAttr(time.Minute), mappedAttr, key)
		}, turn.ErrMalformed.Error()},
		{"no lifetime", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), mappedAttr, key)
		}, turn.ErrMalformed.Error()},
		{"a lifetime of nothing", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(0), mappedAttr, key)
		}, turn.ErrMalformed.Error()},
		{"no mapped address", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), key)
		}, turn.ErrMalformed.Error()},
		{"an unknown attribute", func(m *stun.Message) []byte { // RFC 8489 §6.3.3
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), mappedAttr, stun.RawAttribute{Type: 0x7001}, key)
		}, "nobody here understands"},
	} {
		client := newClient()
		client.Allocate(0)
		converse(t, client, 0, simtime.At(5*time.Minute), func(_ simtime.Time, m *stun.Message) []byte {
			if !m.Contains(stun.AttrMessageIntegrity) {
				return challenge(m, 401, "n1")
			}
			if err := key.Check(m); err != nil {
				t.Errorf("%s: the request: %v", c.name, err)
			}
			return c.answer(m)
		})
		if err := client.Err(); client.State() != turn.Failed || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v: %v", c.name, client, err)
		}
		if client.NextTimeout() != simtime.Never {
			t.Errorf("%s: something is due at %v", c.name, client.NextTimeout())
		}
	}
}

// Before there are credentials, any refusal is final (RFC 8489 §6.3.4), and a server may do without.
func TestWithoutCredentials(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(m *stun.Message) []byte
		state  turn.State
		code   int
	}{
		{"400", func(m *stun.Message) []byte { return refuse(m, 400) }, turn.Failed, 400},
		{"401 without a nonce", func(m *stun.Message) []byte { return refuse(m, 401, stun.NewRealm("r")) }, turn.Failed, 401},
		{"401 without a realm", func(m *stun.Message) []byte { return refuse(m, 401, stun.NewNonce("n")) }, turn.Failed, 401},
		{"401 with too long a nonce", func(m *stun.Message) []byte {
			return refuse(m, 401, stun.NewRealm("r"), stun.RawAttribute{Type: stun.AttrNonce, Value: make([]byte, 764)})
		}, turn.Failed, 401},
		{"401 with too long a realm", func(m *stun.Message) []byte {
			return refuse(m, 401, stun.NewNonce("n"), stun.RawAttribute{Type: stun.AttrRealm, Value: make([]byte, 764)})
		}, turn.Failed, 401},
		{"438", func(m *stun.Message) []byte { return challenge(m, 438, "n") }, turn.Failed, 438},
		{"an open server", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
		}, turn.Allocated, 0},
	} {
		client := newClient()
		client.Allocate(0)
		n := 0
		converse(t, client, 0, simtime.At(5*time.Minute), func(_ simtime.Time, m *stun.Message) []byte {
			n++
			return c.answer(m)
		})
		code := 0
		var refused *turn.RefusedError
		if errors.As(client.Err(), &refused) {
			code = refused.Code
		}
		if client.State() != c.state || code != c.code || n != 1 {
			t.Errorf("%s: %v, code %d, %d requests", c.name, client, code, n)
		}
	}
}

// An answer that may be anybody's doesn't stop the right one (RFC 8489 §9.2.5).
func TestForgedAnswer(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	tries := 0
	converse(t, client, 0, simtime.At(time.Minute), func(now simtime.Time, m *stun.Message) []byte {
		if !m.Contains(stun.AttrMessageIntegrity) {
			return challenge(m, 401, "n")
		}
		if tries++; tries < 3 {
			return refuse(m, 486)
		}
		b := respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr, key)
		behind := append(slices.Clone(b), "another one's octets, some twenty"...)
		client.HandlePayload(now, behind[:len(b)])
		if string(behind) != string(b)+"another one's octets, some twenty" {
			t.Error("it writes where nothing is its own")
		}
		return nil
	})
	if n := client.Counts(); client.State() != turn.Allocated || n.Unprotected != 2 {
		t.Errorf("%v, %+v", client, n)
	}
	if a, _ := client.Relayed(); a != peerA {
		t.Error(a)
	}
	if a, _ := client.Mapped(); a != (packet.Addr{IP: 1<<24 + 2<<16 + 3<<8 + 4, Port: 5}) {
		t.Error(a)
	}
}

// With a real server: a wrong password is a failure with words, and another try begins with a challenge.
func TestWrongPassword(t *testing.T) {
	w := newWorld(t, 0, nil)
	for n, c := range []*end{w.add(0, "alice", "guess"), w.add(1, "mallory", "secret"), w.add(2, "", "")} {
		for range 2 {
			c.Allocate(w.now)
			w.run(w.now.Duration() + time.Second)
			var refused *turn.RefusedError
			if !errors.As(c.Err(), &refused) || refused.Code != 401 || c.State() != turn.Failed {
				t.Errorf("%d: %v: %v", n, c, c.Err())
			}
		}
		if got := c.Counts().Requests; got != 4 {
			t.Errorf("%d: %d requests", n, got)
		}
	}
}
