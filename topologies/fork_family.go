package topologies

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/peer"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

// family are the caller's peer connections: one that has offered, and its clones, which share its port, its streams and what
// there is of encoders and decoders (000). They serve the devices in the order of their first answers: the parent the first
// one, a clone each other one.
type family struct {
	name    string
	config  *Forking
	pool    *peer.Pool
	port    *peer.Transport
	members []*peer.Connection // that are open
	spare   []*peer.Connection // of these, those that serve nobody
	serving map[string]*peer.Connection
	made    int
	told    teller
}

// teller tells what happens with the connection of a device.
type teller func(now simtime.Time, kind signalling.EventKind, device, reason string)

// newFamily makes the connection that offers what a description says, and leaves of that what there are encoders and
// decoders for. devices is how many may answer.
func newFamily(now simtime.Time, config *Forking, name string, d *jsep.Description, devices int, told teller) (*family, error) {
	f := &family{name: name, config: config, pool: peer.NewPool(config.Pool), serving: map[string]*peer.Connection{}, told: told}
	f.port = peer.NewTransport(peer.TransportConfig{Addr: d.Addr, ICE: d.ICE, Fingerprint: d.Fingerprint})
	parent, err := peer.NewConnection(peer.Config{Name: name, Pool: f.pool, Transport: f.port, Session: d.Session})
	if err != nil {
		return nil, err
	}
	f.port.Gathered(d.Candidates...)
	f.members, f.spare = append(f.members, parent), append(f.spare, parent)
	for i := range d.Sections {
		section := &d.Sections[i]
		s := peer.Stream{ID: section.MID, Kind: section.Kind, SSRC: section.SSRC, Direction: peer.Inactive}
		if section.Sends {
			s.Direction |= peer.SendOnly
		}
		if section.Receives {
			s.Direction |= peer.RecvOnly
		}
		if err := parent.AddStream(s); err != nil {
			return nil, err
		}
	}
	offer, err := parent.CreateOffer()
	if err != nil {
		return nil, err
	}
	if err := parent.SetLocal(jsep.Offer, offer); err != nil {
		return nil, err
	}
	for i := range d.Sections {
		d.Sections[i].Sends, d.Sections[i].Receives = offer.Sections[i].Sends, offer.Sections[i].Receives
	}
	for f.config.EarlyClones && len(f.members) < devices {
		if err := f.clone(now, parent); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// clone makes another connection, which serves nobody yet.
func (f *family) clone(now simtime.Time, of *peer.Connection) error {
	f.made++
	c, err := of.Clone(fmt.Sprintf("%s-%d", f.name, f.made))
	if err != nil {
		return err
	}
	f.members, f.spare = append(f.members, c), append(f.spare, c)
	f.told(now, signalling.Cloned, "", c.Name()+" of "+of.Name())
	return nil
}

// serve returns the connection of a device, which it gets with its first answer, and lets it take an answer that may be
// followed by another one. Nothing is sent yet; what comes may be played, as far as there are decoders.
func (f *family) serve(now simtime.Time, device string, d *jsep.Description) (*peer.Connection, error) {
	c := f.serving[device]
	if c == nil {
		if len(f.spare) == 0 { // the second answer, or a later one: there is a parent without a final answer
			if err := f.clone(now, f.members[0]); err != nil {
				return nil, err
			}
		}
		c, f.spare = f.spare[0], f.spare[1:]
		f.serving[device] = c
	}
	f.direct(c, peer.RecvOnly)
	err := c.SetRemote(jsep.Pranswer, described(d))
	f.tell(now, device, c)
	if err != nil {
		f.close(now, device, true)
		return nil, err
	}
	return c, nil
}

// silence lets the connections of all devices but one neither send nor get anything.
func (f *family) silence(but string) {
	for _, c := range f.members {
		if c != f.serving[but] {
			f.direct(c, peer.Inactive)
		}
	}
}

// alert lets connections that lack decoders have those that have become free, in the order in which they were made.
func (f *family) alert() {
	for _, c := range f.members {
		if !slices.Contains(f.spare, c) {
			f.direct(c, peer.RecvOnly)
			for _, more := c.PollEvent(); more; _, more = c.PollEvent() { // a conflict that there still is has been told
			}
		}
	}
}

// agree lets the connection of a device have its final answer, and all of its streams.
func (f *family) agree(now simtime.Time, device string, d *jsep.Description) error {
	chosen := f.serving[device]
	f.direct(chosen, peer.SendRecv)
	err := chosen.SetRemote(jsep.Answer, described(d))
	f.tell(now, device, chosen)
	return err
}

// direct wants a direction of all streams of a connection (000, rule 13: that is the application's business).
func (f *family) direct(c *peer.Connection, d peer.Direction) {
	for _, s := range c.Streams() {
		_ = c.SetDirection(s.ID, d) // which lacks nothing where it isn't strict
	}
}

// described is an answer as the objects know it.
func described(d *jsep.Description) *peer.Description { return &peer.Description{Description: *d} }

// close ends the connection of a device. As long as another device may answer, one is left to be cloned.
func (f *family) close(now simtime.Time, device string, mayAnswer bool) {
	c := f.serving[device]
	if c == nil {
		return
	}
	delete(f.serving, device)
	if mayAnswer && len(f.members) == 1 {
		if err := f.clone(now, c); err != nil {
			f.told(now, signalling.Conflict, device, err.Error())
		}
	}
	c.Close()
	for i, m := range f.members {
		if m == c {
			f.members = append(f.members[:i:i], f.members[i+1:]...)
			break
		}
	}
}

// tell passes on what a connection has no resources for.
func (f *family) tell(now simtime.Time, device string, c *peer.Connection) {
	for e, ok := c.PollEvent(); ok; e, ok = c.PollEvent() {
		if e.Kind == peer.Conflict {
			f.told(now, signalling.Conflict, device, fmt.Sprintf("%s has no %v for media section %s", c.Name(), e.Lack.Resource, e.Lack.Stream))
		}
	}
}
