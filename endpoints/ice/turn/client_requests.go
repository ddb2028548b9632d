package turn

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// request is one that hasn't been answered for good: a challenge leads to another transaction of the same request.
type request struct {
	transaction
	method     stun.Method
	release    bool          // of a Refresh: that the allocation ends
	permission *permission   // of a CreatePermission
	channel    *boundChannel // of a ChannelBind
	protected  bool          // it carries credentials
	stale      int           // how many nonces were too old
	doubtful   error         // what an answer said that may be anybody's
}

// maxStale is how many nonces a server may call too old, one after the other.
const maxStale = 4

func isRelease(r *request) bool { return r.release }

// find returns the first request of some kind; nil if there is none.
func (c *Client) find(kind func(*request) bool) *request {
	if i := slices.IndexFunc(c.requests, kind); i >= 0 {
		return c.requests[i]
	}
	return nil
}

// cancel forgets requests.
func (c *Client) cancel(which func(*request) bool) { c.requests = slices.DeleteFunc(c.requests, which) }

// start sends a request, with credentials as soon as the client knows what for (RFC 8489 §9.2.3).
func (c *Client) start(now simtime.Time, r *request) {
	var set []stun.Setter
	switch r.method {
	case stun.MethodAllocate:
		set = append(set, stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protoUDP, 0, 0, 0}})
	case stun.MethodCreatePermission:
		set = append(set, xorAddr(stun.AttrXORPeerAddress, packet.Addr{IP: r.permission.peer}))
	case stun.MethodChannelBind:
		number := binary.BigEndian.AppendUint16(nil, r.channel.number)
		set = append(set, stun.RawAttribute{Type: stun.AttrChannelNumber, Value: append(number, 0, 0)}, xorAddr(stun.AttrXORPeerAddress, r.channel.peer))
	default:
		if r.release {
			set = append(set, lifetime(0))
		}
	}
	if r.protected = c.key != nil; r.protected {
		set = append(set, text(stun.AttrUsername, c.config.Username), text(stun.AttrRealm, c.realm), text(stun.AttrNonce, c.nonce), c.key)
	}
	id := newID(c.config.Random)
	r.begin(now, id, build(stun.NewType(r.method, stun.ClassRequest), id, set...))
	if !slices.Contains(c.requests, r) {
		c.requests = append(c.requests, r)
	}
	c.counts.Requests++
	c.out = append(c.out, r.payload)
}

// handleResponse takes an answer.
func (c *Client) handleResponse(now simtime.Time, m *stun.Message) {
	r := c.find(func(r *request) bool { return r.id == m.TransactionID && r.method == m.Type.Method })
	if r == nil {
		c.counts.Ignored++
		return
	}
	if m.Type.Class == stun.ClassErrorResponse {
		c.handleError(now, r, m)
		return
	}
	if r.protected && c.key.Check(m) != nil {
		c.doubt(r, nil)
		return
	}
	c.cancel(func(o *request) bool { return o == r })
	if list := unknown(m); list != nil { // RFC 8489 §6.3.3
		c.refused(now, r, fmt.Errorf("%s is answered with what nobody here understands: %v", r.method, list), 0)
		return
	}
	c.granted(now, r, m)
}

// doubt lets an answer go by that may not be the server's (RFC 8489 §9.2.5).
func (c *Client) doubt(r *request, said error) {
	c.counts.Unprotected++
	r.doubtful = ErrUnprotected
	if said != nil {
		r.doubtful = fmt.Errorf("%w; one that has none says: %w", ErrUnprotected, said)
	}
}

// granted does what comes with a success.
func (c *Client) granted(now simtime.Time, r *request, m *stun.Message) {
	switch {
	case r.method == stun.MethodAllocate:
		relayed, ok := addrOf(m, stun.AttrXORRelayedAddress)
		mapped, seen := addrOf(m, stun.AttrXORMappedAddress)
		d, lasts := lifetimeOf(m)
		if !ok || !seen || !lasts || d == 0 {
			c.refused(now, r, ErrMalformed, 0)
			return
		}
		c.allocated(now, relayed, mapped, d)
	case r.release:
		c.released(now)
	case r.method == stun.MethodRefresh:
		d, ok := lifetimeOf(m)
		if !ok {
			d = DefaultLifetime
		}
		if d == 0 {
			c.lose(now)
			return
		}
		c.refreshed(now, d)
	case r.permission != nil:
		c.permitted(now, r.permission)
	default:
		c.bound(now, r.channel)
	}
}

// handleError answers a challenge, or takes no for an answer (RFC 8489 §6.3.4, §9.2.5). The two answers that say how to
// prove who one is can't prove it themselves.
func (c *Client) handleError(now simtime.Time, r *request, m *stun.Message) {
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		e.Code, e.Reason = 0, []byte("an error without a code")
	}
	reason := string(e.Reason)
	if reason == "" {
		reason = reasons[e.Code]
	}
	said := &RefusedError{Method: r.method.String(), Code: int(e.Code), Reason: reason}
	challenge := e.Code == stun.CodeUnauthorized || e.Code == stun.CodeStaleNonce
	if r.protected && !challenge && c.key.Check(m) != nil {
		c.doubt(r, said)
		return
	}
	realm, errRealm := m.Get(stun.AttrRealm)
	nonce, errNonce := m.Get(stun.AttrNonce)
	switch {
	case e.Code == stun.CodeUnauthorized && c.abandoned: // it hasn't made an allocation, and needn't
	case challenge && (errNonce != nil || len(nonce) > maxText): // it doesn't say how to go on
	case e.Code == stun.CodeUnauthorized && !r.protected && errRealm == nil && len(realm) <= maxText:
		c.realm, c.nonce = string(realm), string(nonce)
		c.key = stun.NewLongTermIntegrity(c.config.Username, c.realm, c.config.Password)
		c.start(now, r)
		return
	case e.Code == stun.CodeStaleNonce && r.protected && r.stale < maxStale:
		c.nonce = string(nonce)
		r.stale++
		c.leftover = c.leftover || r.method == stun.MethodAllocate && r.sent > 1 // the one before may have come in time
		c.start(now, r)
		return
	}
	c.cancel(func(o *request) bool { return o == r })
	c.refused(now, r, said, e.Code)
}

// refused does what comes of a request without success. The code is 0 if the server hasn't said one.
func (c *Client) refused(now simtime.Time, r *request, err error, code stun.ErrorCode) {
	switch {
	case r.method == stun.MethodAllocate:
		c.unallocated(now, err, code)
	case r.release:
		c.released(now)
	case code == stun.CodeAllocMismatch:
		c.lose(now)
	case r.method == stun.MethodRefresh:
		c.fail(err)
	case r.permission != nil:
		c.counts.Refused++
		c.dropPermission(r.permission)
	default:
		c.counts.Refused++
		c.dropChannel(r.channel)
	}
}

// unallocated is how asking for an allocation ends in vain. If it is because the server has one of this client's, from before
// it was cut off, that one is released first.
func (c *Client) unallocated(now simtime.Time, err error, code stun.ErrorCode) {
	switch {
	case c.abandoned:
		c.abandoned = false
	case code == stun.CodeAllocMismatch && c.leftover:
		c.leftover, c.anew = false, true
		c.release(now)
	default:
		if code == stun.CodeUnauthorized {
			c.key = nil // another challenge may have another realm
		}
		c.fail(err)
	}
}

// unanswered gives a request up.
func (c *Client) unanswered(now simtime.Time, r *request) {
	c.cancel(func(o *request) bool { return o == r })
	err := r.doubtful
	if err == nil {
		err = ErrNoAnswer
	}
	switch {
	case r.method == stun.MethodAllocate:
		c.leftover = c.leftover || r.protected
		c.unallocated(now, err, 0)
	case r.release:
		c.leftover = true
		c.released(now)
	case r.method == stun.MethodRefresh:
		c.leftover = true
		c.lose(now)
	default:
		c.refused(now, r, err, 0)
	}
}
