package peer

import (
	"slices"

	"rtpfabric/endpoints/jsep"
)

// CreateOffer returns an offer of everything that is wanted, as far as there are resources now (RFC 8829 §4.1.8). Nothing
// else changes; SetLocal applies it, and only the last one that was created.
//
// Deviation (RFC 8829 §5.2.2): a section that was refused isn't used again for another stream.
func (c *Connection) CreateOffer() (*Description, error) {
	if c.closed() {
		return nil, ErrClosed
	}
	fitted, _ := c.fit(wanted)
	d := c.describe(jsep.ActPass)
	for _, s := range c.sections {
		d.Sections = append(d.Sections, s.section(s.mid, fitted[s]))
	}
	for _, s := range c.streams {
		if s.mid == "" {
			d.Sections = append(d.Sections, s.section(s.ID, fitted[s]))
		}
	}
	return c.create(d), nil
}

// CreateAnswer returns an answer to the remote offer: of what it has, what is wanted and there are resources for
// (RFC 8829 §4.1.9, §5.3).
func (c *Connection) CreateAnswer() (*Description, error) {
	if c.closed() {
		return nil, ErrClosed
	}
	if _, err := c.state.Next(jsep.Local, jsep.Answer); err != nil {
		return nil, err
	}
	offer := c.pending[remote]
	can := make(map[*stream]Direction, len(c.sections))
	for i, s := range c.sections {
		can[s] = offer.Direction(i).Reversed() & s.wanted
	}
	fitted, _ := c.fit(func(s *stream) Direction { return can[s] })
	d := c.describe(jsep.Active)
	d.Answers = offer.Version
	for i, s := range c.sections {
		section := s.section(s.mid, fitted[s])
		section.Refused = offer.Sections[i].Refused
		d.Sections = append(d.Sections, section)
	}
	return c.create(d), nil
}

func (c *Connection) describe(setup jsep.Setup) *Description {
	t := c.transport
	return &Description{Description: jsep.Description{
		Session: c.session, Addr: t.config.Addr, Candidates: t.Candidates(), ICE: t.config.ICE, Fingerprint: t.config.Fingerprint, Setup: setup,
	}}
}

func (s *stream) section(mid string, d Direction) jsep.Section {
	return jsep.Section{Kind: s.Kind, MID: mid, SSRC: s.SSRC, Sends: d.Sends(), Receives: d.Receives()}
}

// create numbers a description: with a new version if it says something else than the one before (RFC 8829 §5.2.2).
func (c *Connection) create(d *Description) *Description {
	if c.created != nil && d.says(c.created) {
		d.Version = c.created.Version
	} else {
		c.version++
		d.Version = c.version
	}
	c.created = d
	return d.clone()
}

// says reports whether two descriptions of one transport differ in nothing but in how many candidates are known.
func (d *Description) says(o *Description) bool {
	return d.Setup == o.Setup && d.Answers == o.Answers && slices.EqualFunc(d.Sections, o.Sections, func(s, t jsep.Section) bool {
		return s.Kind == t.Kind && s.MID == t.MID && s.SSRC == t.SSRC && s.Sends == t.Sends && s.Receives == t.Receives && s.Refused == t.Refused
	})
}

// SetLocal applies what CreateOffer or CreateAnswer has returned last, or a rollback, which has no description. An offer
// reserves what it needs (RFC 8829 §4.1.11). An error changes nothing.
func (c *Connection) SetLocal(t jsep.Type, d *Description) error {
	if c.closed() {
		return ErrClosed
	}
	next, err := c.state.Next(jsep.Local, t)
	switch {
	case err != nil:
		return err
	case t == jsep.Rollback:
		c.rollback()
		return nil
	case c.created == nil || d == nil || d.Version != c.created.Version || !d.says(c.created):
		return ErrAltered
	case t == jsep.Offer && d.Setup != jsep.ActPass, t != jsep.Offer && (d.Setup == jsep.ActPass || d.Answers != c.pending[remote].Version):
		return ErrAltered
	}
	described, err := c.match(d)
	if err != nil {
		return err
	}
	if t == jsep.Offer {
		err = c.reserve(d, described)
	} else {
		err = c.agree(t, d.Direction)
	}
	if err != nil {
		return err
	}
	c.pending[local] = d.clone()
	c.conclude(t, next)
	return nil
}

// match returns the streams that the sections of a local description are of. Some may have come or gone since it was created.
func (c *Connection) match(d *Description) ([]*stream, error) {
	if len(d.Sections) < len(c.sections) {
		return nil, ErrAltered
	}
	described := slices.Clone(c.sections)
	for i := range d.Sections {
		s := c.named(d.Sections[i].MID)
		switch {
		case i < len(c.sections) && s == c.sections[i]:
		case i >= len(c.sections) && s != nil && s.mid == "":
			described = append(described, s)
		default:
			return nil, ErrAltered
		}
	}
	return described, nil
}

// reserve holds what an offer needs, besides what is in use (RFC 8829 §4.1.11).
func (c *Connection) reserve(d *Description, described []*stream) error {
	offered := make(map[*stream]Direction, len(described))
	for i, s := range described {
		offered[s] = s.possible(d.Direction(i))
	}
	fitted, err := c.afford(func(s *stream) Direction { return offered[s] })
	if err != nil {
		return err
	}
	for i, s := range described {
		s.mid = d.Sections[i].MID
		s.shed()
		s.settle(fitted[s], s.current)
	}
	c.sections = described
	return nil
}

// SetRemote applies a description of the other end's, or a rollback, which has none. An answer frees what it doesn't
// need, a provisional one doesn't (RFC 8829 §4.1.10). An error changes nothing.
func (c *Connection) SetRemote(t jsep.Type, d *Description) error {
	if c.closed() {
		return ErrClosed
	}
	next, err := c.state.Next(jsep.Remote, t)
	switch {
	case err != nil:
		return err
	case t == jsep.Rollback:
		c.rollback()
		return nil
	}
	restarts, err := c.recognize(d)
	switch {
	case err != nil:
	case t == jsep.Offer:
		err = c.associate(d)
	default:
		err = c.answered(t, d)
	}
	if err != nil {
		return err
	}
	c.pending[remote] = d
	c.conclude(t, next)
	if restarts && c.ice != ICEWaiting && c.ice != ICEClosed {
		c.setICE(ICEChecking)
	}
	return nil
}

// recognize looks whether a description comes from the end that the last one came from. One provisional answer may come from
// another end than the one before, and the checks begin anew (RFC 8829 §5.10, §5.11).
func (c *Connection) recognize(d *Description) (restarts bool, err error) {
	if o := c.current[remote]; o != nil && o.ICE != d.ICE {
		return false, ErrRestart
	}
	o := c.Remote()
	switch {
	case o == nil:
		return false, nil
	case o.ICE == d.ICE && o.Fingerprint != d.Fingerprint && c.state != jsep.HaveRemoteOffer:
		return false, ErrFingerprint
	}
	return o.ICE != d.ICE, nil
}

// associate finds the streams that the sections of a remote offer are of: those that have them, then one with the section's
// name, then the first one without a section (RFC 8829 §4.1.2, §5.10), then a new one, which only receives.
func (c *Connection) associate(d *Description) error {
	known := c.sections[:c.settled] // what an offer before had is void
	if len(d.Sections) < len(known) {
		return ErrSections
	}
	var found []*stream
	for i := range d.Sections {
		in := &d.Sections[i]
		if i < len(known) {
			if known[i].mid != in.MID || known[i].Kind != in.Kind {
				return ErrSections
			}
			continue
		}
		free := func(s *stream) bool {
			return !slices.Contains(known, s) && !slices.Contains(found, s) && !s.foreign && !s.removed && s.Kind == in.Kind
		}
		before := func(o jsep.Section) bool { return o.MID == in.MID }
		named, first := c.named(in.MID), slices.IndexFunc(c.streams, free)
		var s *stream
		switch {
		case slices.ContainsFunc(d.Sections[:i], before):
			return ErrSections
		case named != nil && free(named):
			s = named
		case named != nil && !named.foreign: // another one would have the same name
			return ErrSections
		case first >= 0:
			s = c.streams[first]
		default:
			only := Stream{ID: in.MID, Kind: in.Kind, Direction: RecvOnly}
			s = &stream{source: &source{Stream: only, pool: c.pool}, foreign: true, wanted: RecvOnly}
		}
		found = append(found, s)
	}
	c.dissociate()
	for i, s := range found {
		s.mid = d.Sections[c.settled+i].MID
		if s.foreign {
			c.streams = append(c.streams, s)
		}
	}
	c.sections = append(slices.Clip(c.sections), found...)
	return nil
}

// answered takes an answer to the local offer.
func (c *Connection) answered(t jsep.Type, d *Description) error {
	offer := c.pending[local]
	if d.Answers != 0 && d.Answers != offer.Version {
		return ErrChanged
	}
	fits := func(a, b jsep.Section) bool { return a.Kind == b.Kind && a.MID == b.MID }
	if !slices.EqualFunc(offer.Sections, d.Sections, fits) {
		return ErrSections
	}
	return c.agree(t, func(i int) Direction { return offer.Direction(i) & d.Direction(i).Reversed() })
}

// agree puts an answer into effect. What it doesn't need is kept if it is provisional.
func (c *Connection) agree(t jsep.Type, agreed func(section int) Direction) error {
	allowed := make(map[*stream]Direction, len(c.sections))
	for i, s := range c.sections {
		allowed[s] = agreed(i)
	}
	fitted, err := c.afford(func(s *stream) Direction { return allowed[s] & s.wanted })
	if err != nil {
		return err
	}
	for _, s := range c.streams {
		s.agreed = allowed[s]
		kept := Inactive
		if t == jsep.Pranswer {
			kept = s.reserved | s.current
		}
		s.settle(kept, fitted[s])
	}
	return nil
}

// conclude goes to the state after a description, and makes the pending ones current if that ends the exchange.
func (c *Connection) conclude(t jsep.Type, next jsep.State) {
	if t == jsep.Answer {
		c.current, c.pending, c.settled = c.pending, [2]*Description{}, len(c.sections)
		for _, s := range c.streams {
			s.settled = s.agreed
		}
	}
	c.move(next)
	c.check()
}

// rollback gives up the open exchange, and what it has reserved (RFC 8829 §5.7).
func (c *Connection) rollback() {
	c.dissociate()
	c.pending = [2]*Description{}
	fitted, lacks := c.fit(func(s *stream) Direction { return s.settled & s.wanted })
	c.doWithout(lacks) // a strict connection has to go back as well
	for _, s := range c.streams {
		s.agreed = s.settled
		s.settle(Inactive, fitted[s])
	}
	c.move(jsep.Stable)
	c.check()
}

// dissociate takes the sections of the open exchange from their streams, and removes the streams that only it had.
func (c *Connection) dissociate() {
	for _, s := range c.sections[c.settled:] {
		s.mid = ""
		if s.foreign || s.removed {
			s.settle(Inactive, Inactive)
			c.streams = slices.DeleteFunc(c.streams, func(o *stream) bool { return o == s })
		}
	}
	c.sections = c.sections[:c.settled]
}
