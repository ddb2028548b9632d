package turn

import (
	"fmt"
	"slices"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// ClientConfig describes a client.
type ClientConfig struct {
	// Local is where it sends from, Server where to.
	Local, Server      packet.Addr
	Username, Password string
	Random             *rng.Stream
}

// How long before their end things are renewed. An answer takes up to 39.5 s (RFC 8489 §6.2.1).
const (
	allocationMargin = time.Minute
	permissionMargin = time.Minute
	channelMargin    = time.Minute
)

// Client keeps one allocation of a server (RFC 8656 §6), from one local UDP address. It is passive. After any other method
// its host drains Poll, and reads NextTimeout again. What comes from the server to the local address is handed to
// HandlePayload.
//
// Permissions and channels are kept until the allocation is released, or the client has failed. If the server has lost the
// allocation, there are new ones for the next: the peers see another relayed address, the numbers of channels stay.
type Client struct {
	config      ClientConfig
	state       State
	err         error
	realm       string
	nonce       string
	key         stun.MessageIntegrity // nil until the server has said what it is made from
	requests    []*request
	relayed     packet.Addr
	mapped      packet.Addr
	renew       simtime.Time // when the allocation is refreshed; Never while it is
	permissions []*permission
	channels    []*boundChannel
	numbers     int // that were given to channels
	held        []held
	out         [][]byte
	// abandoned says that the allocation that is asked for isn't wanted any more, anew that another one is wanted once this
	// one is released, and leftover that the server may have one of this client without its knowing.
	abandoned, anew, leftover bool
	counts                    ClientCounts
}

// ClientCounts are what a client has done and got.
type ClientCounts struct {
	// Requests were sent for the first time, Retransmitted ones again.
	Requests, Retransmitted uint64
	// Allocations were granted, of which Lost were gone before they were released.
	Allocations, Lost uint64
	// Refused are permissions and channels that the server refused or didn't answer for, and that aren't kept any more.
	Refused uint64
	// Sent are payloads for peers that Poll got from Send, Dropped those that waited in vain.
	Sent, Dropped uint64
	// Received are payloads of peers.
	Received uint64
	// Unprotected are answers without valid integrity, Ignored are all other datagrams that nobody here has asked for, or that
	// are malformed.
	Unprotected, Ignored uint64
}

// NewClient returns a client without an allocation.
func NewClient(c ClientConfig) *Client { return &Client{config: c, renew: simtime.Never} }

// State returns how far the client has come.
func (c *Client) State() State { return c.state }

// Err returns why the client has failed: a [*RefusedError], [ErrNoAnswer], [ErrUnprotected] or [ErrMalformed], possibly
// wrapped; nil if it hasn't.
func (c *Client) Err() error { return c.err }

// Counts returns what the client has done so far.
func (c *Client) Counts() ClientCounts { return c.counts }

// Relayed returns the address that peers see; false without an allocation.
func (c *Client) Relayed() (packet.Addr, bool) { return c.relayed, c.state == Allocated }

// Mapped returns the address by which the server sees the client; false without an allocation.
func (c *Client) Mapped() (packet.Addr, bool) { return c.mapped, c.state == Allocated }

// Allocate asks for an allocation, unless there is one or it is being asked for.
func (c *Client) Allocate(now simtime.Time) {
	if c.state == Allocating || c.state == Allocated {
		return
	}
	c.state, c.err = Allocating, nil
	switch {
	case c.abandoned: // the request is still under way
		c.abandoned = false
	case c.find(isRelease) != nil:
		c.anew = true
	default:
		c.start(now, &request{method: stun.MethodAllocate})
	}
}

// Refresh asks whether the allocation is still there, as after a change of the way to the server. If it isn't, or nobody
// answers, another one is asked for.
func (c *Client) Refresh(now simtime.Time) {
	if c.state != Allocated {
		return
	}
	c.renew = simtime.Never
	c.cancel(func(r *request) bool { return r.method == stun.MethodRefresh })
	c.start(now, &request{method: stun.MethodRefresh})
}

// Refreshing reports whether an answer to a Refresh is outstanding, without which nobody knows whether the allocation is there.
func (c *Client) Refreshing() bool {
	return c.state == Allocated && slices.ContainsFunc(c.requests, func(r *request) bool { return r.method == stun.MethodRefresh })
}

// Release gives the allocation back. The server is told until it answers. Permissions and channels are forgotten.
func (c *Client) Release(now simtime.Time) {
	was := c.state
	c.state, c.err = Idle, nil
	c.forget()
	switch {
	case was == Allocated:
		c.release(now)
	case c.anew:
		c.anew = false
	case was == Allocating: // the server may have made one
		c.abandoned = true
	}
}

// release tells the server that an allocation isn't wanted any more, and nothing else.
func (c *Client) release(now simtime.Time) {
	c.requests = nil
	c.start(now, &request{method: stun.MethodRefresh, release: true})
}

// forget ends what was with the allocation.
func (c *Client) forget() {
	c.renew, c.permissions, c.channels, c.numbers = simtime.Never, nil, nil, 0
	c.cancel(func(r *request) bool { return r.permission != nil || r.channel != nil })
	c.counts.Dropped += uint64(len(c.held))
	c.held = nil
}

// fail ends all attempts.
func (c *Client) fail(err error) {
	c.state, c.err, c.requests, c.anew = Failed, err, nil, false
	c.forget()
}

// lose asks for another allocation, as this one is gone, or seems to be.
func (c *Client) lose(now simtime.Time) {
	c.counts.Lost++
	c.state, c.renew, c.requests = Allocating, simtime.Never, nil
	for _, p := range c.permissions {
		p.granted, p.renew = false, simtime.Never
	}
	for _, ch := range c.channels {
		ch.bound, ch.renew = false, simtime.Never
	}
	c.start(now, &request{method: stun.MethodAllocate})
}

// allocated takes note of an allocation, and asks for what is to come with it.
func (c *Client) allocated(now simtime.Time, relayed, mapped packet.Addr, d time.Duration) {
	c.counts.Allocations++
	c.relayed, c.mapped, c.leftover = relayed, mapped, false
	if c.abandoned {
		c.abandoned = false
		c.release(now)
		return
	}
	c.state = Allocated
	c.refreshed(now, d)
	for _, p := range c.permissions {
		if p.through == nil {
			c.askPermission(now, p)
		}
	}
	for _, ch := range c.channels {
		c.askChannel(now, ch)
	}
}

// refreshed takes note of how long the allocation lasts.
func (c *Client) refreshed(now simtime.Time, d time.Duration) {
	c.renew = now.Add(max(d-allocationMargin, d/2))
}

// released takes note that the server doesn't have an allocation any more, or doesn't say.
func (c *Client) released(now simtime.Time) {
	if c.anew {
		c.anew = false
		c.start(now, &request{method: stun.MethodAllocate})
	}
}

// Poll returns the next datagram for the server; nil when drained.
func (c *Client) Poll() []byte {
	if len(c.out) == 0 {
		return nil
	}
	p := c.out[0]
	if c.out = c.out[1:]; len(c.out) == 0 {
		c.out = nil
	}
	return p
}

// HandleTimeout does what is due.
func (c *Client) HandleTimeout(now simtime.Time) {
	for _, r := range slices.Clone(c.requests) {
		if !slices.Contains(c.requests, r) {
			continue // another one has ended it
		}
		switch again, over := r.handleTimeout(now); {
		case again:
			c.counts.Retransmitted++
			c.out = append(c.out, r.payload)
		case over:
			c.unanswered(now, r)
		}
	}
	if c.state != Allocated {
		return
	}
	if c.renew <= now {
		c.Refresh(now)
	}
	for _, p := range c.permissions {
		if p.renew <= now {
			c.askPermission(now, p)
		}
	}
	for _, ch := range c.channels {
		if ch.renew <= now {
			c.askChannel(now, ch)
		}
	}
}

// NextTimeout returns when there is something to do; Never if nothing is.
func (c *Client) NextTimeout() simtime.Time {
	at := c.renew
	for _, r := range c.requests {
		at = min(at, r.next)
	}
	for _, p := range c.permissions {
		at = min(at, p.renew)
	}
	for _, ch := range c.channels {
		at = min(at, ch.renew)
	}
	return at
}

// String says whose client it is, of what.
func (c *Client) String() string {
	return fmt.Sprintf("%v of %v, %v", c.config.Local, c.config.Server, c.state)
}
