package ekt

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Host is the key server of a group.
type Host struct {
	random  *rng.Source
	name    string
	now     Parameters
	members []*Member
}

// NewHost returns the server of a group, which draws keys from the run's seed.
func NewHost(random *rng.Source, group string) *Host {
	h := &Host{random: random, name: group}
	h.renew()
	return h
}

// Current returns the newest parameter set.
func (h *Host) Current() Parameters { return h.now }

// renew draws another parameter set.
func (h *Host) renew() {
	r := h.random.Stream(fmt.Sprintf("ekt/%s/%d", h.name, h.now.SPI))
	h.now = Parameters{SPI: h.now.SPI + 1, Key: make([]byte, 16), Salt: make([]byte, 14)}
	_, _ = r.Read(h.now.Key)
	_, _ = r.Read(h.now.Salt)
}

// Join returns the keying step of a member, which has the group's key and a stream of its own to
// draw master keys from.
func (h *Host) Join(name string) *Member {
	m := h.Invite(name)
	m.Learn(h.now)
	h.members = append(h.members, m)
	return m
}

// Invite returns the keying step of a member that somebody else has to tell the group's keys.
func (h *Host) Invite(name string) *Member {
	return &Member{name: name, random: h.random.Stream("ekt/" + h.name + "/" + name)}
}

// Leave gives everybody but those of the given name another key: who has left can't read what the
// others send from then on (RFC 8870 §4.5).
func (h *Host) Leave(name string) {
	h.members = slices.DeleteFunc(h.members, func(m *Member) bool { return m.name == name })
	h.renew()
	for _, m := range h.members {
		m.Learn(h.now)
	}
}

// Member is the keying step of one endpoint of the group.
type Member struct {
	name   string
	random *rng.Stream
	sets   []Parameters // the newest last
	err    error
}

// Learn gives the member another parameter set.
func (m *Member) Learn(p Parameters) { m.sets = append(m.sets, p) }

// Fail says that it won't be given any more.
func (m *Member) Fail(err error) { m.err = err }

// Err implements [keying.Failer].
func (m *Member) Err() error { return m.err }

// Sets returns the parameter sets that the member has been given, the newest last.
func (m *Member) Sets() []Parameters { return m.sets }

// MasterKey draws another master key of the member's own.
func (m *Member) MasterKey(n int) []byte {
	key := make([]byte, n)
	_, _ = m.random.Read(key)
	return key
}

// HandlePacket ignores the packet.
func (*Member) HandlePacket(simtime.Time, *packet.Packet) {}

// HandleTimeout does nothing.
func (*Member) HandleTimeout(simtime.Time) {}

// PollPayload returns nil.
func (*Member) PollPayload(simtime.Time) []byte { return nil }

// NextTimeout returns simtime.Never.
func (*Member) NextTimeout() simtime.Time { return simtime.Never }

// Keys returns none: there isn't one key for all that comes.
func (*Member) Keys(int, int) (keying.Keys, bool) { return keying.Keys{}, false }
