package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/scenarios/internal/strict"
)

// simulcast checks a stream that is one quality of a picture.
func (c *checker) simulcast(index int, p strict.Path) {
	m := &c.s.Media[index]
	switch q := p.Child("simulcast"); {
	case m.Simulcast == "":
	case c.s.Topology.Forked():
		c.failKey(q, "the devices of a fork get one encoding of a picture", "remove it")
	case c.s.Topology.Type != SFM && c.s.Signalling == nil:
		c.failKey(q, "an SFM chooses among qualities", `remove it, write "type: sfm" in topology, or let the call be signalled`)
	case c.s.Topology.Type != SFM && m.RID == "":
		c.fail(q, "descriptions tell encodings apart by RIDs", `add "rid:"`)
	case m.Kind != "video":
		c.failKey(q, "only video has qualities", "remove it")
	case c.s.Topology.LastN > 0:
		c.failKey(q, "an SFM chooses qualities, or speakers", `remove it, or "last-n:" in topology`)
	case slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.From == m.From && o.Name == m.Simulcast }):
		c.fail(q, fmt.Sprintf("%s has a stream called %s", m.From, m.Simulcast), "give the picture a name of its own")
	case !slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.From == m.From && o.Simulcast == m.Simulcast && o.Name != m.Name }):
		c.fail(q, "the picture has one quality only", `add another stream with the same "simulcast:"`)
	}
	c.rid(index, p.Child("rid"))
}

// rid checks the name of a quality.
func (c *checker) rid(index int, p strict.Path) {
	m := &c.s.Media[index]
	others := func(differs func(o *Media) bool) bool {
		return slices.ContainsFunc(c.s.Media, func(o Media) bool {
			return o.From == m.From && o.To == m.To && o.Simulcast == m.Simulcast && o.Name != m.Name && differs(&o)
		})
	}
	switch {
	case m.RID == "":
	case m.Simulcast == "":
		c.failKey(p, "a stream by itself needs no name among others", `add "simulcast:", or remove it`)
	case !headerext.ValidRID(m.RID) || len(m.RID) > endpoints.MaxRID:
		c.fail(p, fmt.Sprintf("%q is no RID (RFC 8852 section 3)", m.RID), fmt.Sprintf("write letters and digits, 1 to %d of them, rather few", endpoints.MaxRID))
	case others(func(o *Media) bool { return o.RID == m.RID }):
		c.fail(p, fmt.Sprintf("another quality of %s is called %s", m.Simulcast, m.RID), "write another RID")
	case c.s.Signalling != nil && slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.From == m.To && o.To == m.From && o.Name == m.Name }):
		c.fail(p, fmt.Sprintf("%s has a stream called %s, too, and an encoding goes in one direction (RFC 8851 section 4)", m.To, m.Name), "give one of them another name")
	case others(func(o *Media) bool { return o.RID == "" }):
		c.fail(p, fmt.Sprintf("other qualities of %s have no RID", m.Simulcast), `give each of them one, or none`)
	case m.Bandwidth != nil:
		c.failKey(at("media", index, "bandwidth"), "it is of a whole media section, and the stream is one of its encodings", "remove it")
	case others(func(o *Media) bool { return !slices.Equal(o.MSID, m.MSID) }):
		c.fail(p, fmt.Sprintf("other encodings of %s are in other MediaStreams, and a media section describes one track", m.Simulcast), `give all the same "msid:"`)
	case others(func(o *Media) bool { return o.fecType() != m.fecType() }):
		c.fail(p, fmt.Sprintf("other encodings of %s have other FEC, and a media section has the same formats for all", m.Simulcast), `give all the same "fec:"`)
	}
}

// fecType returns the format of the stream's FEC; "none" if it has none.
func (m *Media) fecType() string {
	if m.FEC == nil {
		return "none"
	}
	return m.FEC.Type
}
