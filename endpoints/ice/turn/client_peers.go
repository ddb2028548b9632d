package turn

import (
	"slices"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// permission is what a client wants for an address (RFC 8656 §9).
type permission struct {
	peer    packet.IPv4
	granted bool
	renew   simtime.Time  // when it is asked for again; Never while it is, or before there is an allocation
	through *boundChannel // the channel that brings it, until it has
}

// boundChannel is what a client wants for a peer (RFC 8656 §12).
type boundChannel struct {
	number uint16
	peer   packet.Addr
	bound  bool
	renew  simtime.Time // as in permission
}

// held is a payload that waits for a permission.
type held struct {
	peer    packet.Addr
	payload []byte
}

// maxHeld is how many payloads wait.
const maxHeld = 64

// Permit keeps a permission for data of an address, and to it, from when there is an allocation (RFC 8656 §10.1).
func (c *Client) Permit(now simtime.Time, peer packet.IPv4) {
	if c.permissionFor(peer) != nil {
		return
	}
	p := &permission{peer: peer, renew: simtime.Never}
	c.permissions = append(c.permissions, p)
	if c.state == Allocated {
		c.askPermission(now, p)
	}
}

// Permitted reports whether the server has granted a permission for an address.
func (c *Client) Permitted(peer packet.IPv4) bool {
	p := c.permissionFor(peer)
	return p != nil && p.granted
}

// Bind keeps a channel for a peer, which comes with a permission for its address (RFC 8656 §12.1). Once 4096 peers had one,
// others get none until the allocation is released, and count as refused.
func (c *Client) Bind(now simtime.Time, peer packet.Addr) {
	if c.channelFor(peer) != nil {
		return
	}
	number := firstChannel + c.numbers
	if number > lastChannel {
		c.counts.Refused++
		return
	}
	c.numbers++
	ch := &boundChannel{number: uint16(number), peer: peer, renew: simtime.Never}
	c.channels = append(c.channels, ch)
	if c.permissionFor(peer.IP) == nil {
		c.permissions = append(c.permissions, &permission{peer: peer.IP, renew: simtime.Never, through: ch})
	}
	if c.state == Allocated {
		c.askChannel(now, ch)
	}
}

func (c *Client) permissionFor(peer packet.IPv4) *permission {
	for _, p := range c.permissions {
		if p.peer == peer {
			return p
		}
	}
	return nil
}

func (c *Client) channelFor(peer packet.Addr) *boundChannel {
	for _, ch := range c.channels {
		if ch.peer == peer {
			return ch
		}
	}
	return nil
}

func (c *Client) askPermission(now simtime.Time, p *permission) {
	p.renew = simtime.Never
	c.start(now, &request{method: stun.MethodCreatePermission, permission: p})
}

func (c *Client) askChannel(now simtime.Time, ch *boundChannel) {
	ch.renew = simtime.Never
	c.start(now, &request{method: stun.MethodChannelBind, channel: ch})
}

// permitted takes note of a permission, and lets go what has waited for it.
func (c *Client) permitted(now simtime.Time, p *permission) {
	p.granted, p.renew, p.through = true, now.Add(PermissionLifetime-permissionMargin), nil
	c.held = slices.DeleteFunc(c.held, func(h held) bool {
		if h.peer.IP != p.peer {
			return false
		}
		c.emit(h.peer, h.payload)
		return true
	})
}

// bound takes note of a channel, and of the permission that has come with it.
func (c *Client) bound(now simtime.Time, ch *boundChannel) {
	ch.bound, ch.renew = true, now.Add(ChannelLifetime-channelMargin)
	p := c.permissionFor(ch.peer.IP)
	if p == nil {
		p = &permission{peer: ch.peer.IP}
		c.permissions = append(c.permissions, p)
	}
	c.permitted(now, p)
}

// dropPermission keeps a permission no more, nor what waits for it.
func (c *Client) dropPermission(p *permission) {
	c.permissions = slices.DeleteFunc(c.permissions, func(o *permission) bool { return o == p })
	c.held = slices.DeleteFunc(c.held, func(h held) bool {
		if h.peer.IP != p.peer {
			return false
		}
		c.counts.Dropped++
		return true
	})
}

// dropChannel keeps a channel no more, nor a permission that it alone should have brought.
func (c *Client) dropChannel(ch *boundChannel) {
	c.channels = slices.DeleteFunc(c.channels, func(o *boundChannel) bool { return o == ch })
	if p := c.permissionFor(ch.peer.IP); p != nil && p.through == ch {
		c.dropPermission(p)
	}
}

// Send lets a payload go to a peer: at once if there is a permission, otherwise when there is one, which is asked for. Of
// those that wait the oldest make room. The payload stays the caller's. A client that has failed drops it.
func (c *Client) Send(now simtime.Time, peer packet.Addr, payload []byte) {
	switch {
	case c.state == Failed || len(payload) > maxData:
		c.counts.Dropped++
		return
	case c.Permitted(peer.IP):
		c.emit(peer, payload)
		return
	}
	if len(c.held) == maxHeld {
		c.held = slices.Delete(c.held, 0, 1)
		c.counts.Dropped++
	}
	c.held = append(c.held, held{peer, slices.Clone(payload)})
	c.Permit(now, peer.IP)
}

func (c *Client) emit(peer packet.Addr, payload []byte) {
	c.counts.Sent++
	c.out = append(c.out, c.Wrap(nil, peer, payload))
}

// Wrap appends to dst what takes a payload to a peer: 4 octets of ChannelData and the payload if a channel is bound, a Send
// indication otherwise, which is 44 octets longer than the payload and its padding. Without a permission the server drops
// it. dst may not overlap the payload, which has at most 65,460 octets.
func (c *Client) Wrap(dst []byte, peer packet.Addr, payload []byte) []byte {
	at := len(dst)
	if ch := c.channelFor(peer); ch != nil && ch.bound {
		dst = slices.Grow(dst, channelHead+len(payload))[:at+channelHead]
		putChannelHead(dst[at:], ch.number, len(payload))
		return append(dst, payload...)
	}
	size := indicationSize(len(payload))
	dst = slices.Grow(dst, size)[:at+size]
	copy(dst[at+dataAt:], payload)
	putIndication(dst[at:], stun.MethodSend, newID(c.config.Random), peer, len(payload))
	return dst
}

// HandlePayload takes what the server has sent. If that is data of a peer it returns whose, and the data, which are part of
// b.
func (c *Client) HandlePayload(now simtime.Time, b []byte) (peer packet.Addr, data []byte, ok bool) {
	if peer, data, ok = c.Data(b); ok {
		c.counts.Received++
		return peer, data, true
	}
	var m stun.Message
	if !isChannelData(b) && decode(&m, b) && (m.Type.Class == stun.ClassSuccessResponse || m.Type.Class == stun.ClassErrorResponse) {
		c.handleResponse(now, &m)
		return packet.Addr{}, nil, false
	}
	c.counts.Ignored++
	return packet.Addr{}, nil, false
}

// Data reads what the server has sent, and changes nothing: if it is data of a peer it returns whose, and the data, which are
// part of b.
func (c *Client) Data(b []byte) (peer packet.Addr, data []byte, ok bool) {
	if isChannelData(b) {
		return c.fromChannel(b)
	}
	if m := (stun.Message{}); decode(&m, b) && m.Type == dataIndication {
		return c.fromIndication(&m)
	}
	return packet.Addr{}, nil, false
}

var dataIndication = stun.NewType(stun.MethodData, stun.ClassIndication)

// fromIndication reads a Data indication. It counts if the client has asked for a permission, whose answer may be on its way
// (RFC 8656 §11.4).
func (c *Client) fromIndication(m *stun.Message) (peer packet.Addr, data []byte, ok bool) {
	data, err := m.Get(stun.AttrData)
	peer, ok = addrOf(m, stun.AttrXORPeerAddress)
	return peer, data, ok && err == nil && c.state == Allocated && unknown(m) == nil && c.permissionFor(peer.IP) != nil
}

// fromChannel reads ChannelData of a channel that the client has asked for (RFC 8656 §12.6).
func (c *Client) fromChannel(b []byte) (peer packet.Addr, data []byte, ok bool) {
	number, data, ok := readChannelData(b)
	if !ok || c.state != Allocated {
		return packet.Addr{}, nil, false
	}
	i := slices.IndexFunc(c.channels, func(ch *boundChannel) bool { return ch.number == number })
	if i < 0 {
		return packet.Addr{}, nil, false
	}
	return c.channels[i].peer, data, true
}
