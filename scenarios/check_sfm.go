package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/scenarios/internal/strict"
)

// sfm checks endpoints with a middlebox between them that passes media on, or several.
func (c *checker) sfm() {
	t, p := &c.s.Topology, at("topology", "peers")
	if !c.boxes() {
		return
	}
	box := words[t.Type]
	if t.Sessions == "per-media" {
		c.fail(at("topology", "sessions"), "the "+box+" sends each peer all media in one session, or in two by kind", "write bundle, or per-kind")
	}
	for _, peer := range t.Everyone() {
		if !t.Decodes() && !t.Translates() && c.s.Endpoint(peer) != nil && c.s.RTCPOf(peer).Profile == "avp" {
			where := c.firstOf(at("endpoints", peer, "rtcp", "profile"), at("endpoints", peer, "type"), at("rtcp", "profile"), p, at("topology"))
			c.fail(where, "the "+box+" asks for key frames, and AVP has no messages for that", `write "profile: avpf"`)
		}
	}
	for i := range c.s.Media {
		m := &c.s.Media[i]
		if m.To != "" {
			c.failKey(at("media", i, "to"), "the "+box+" sends every stream to all other peers", `remove "to:"`)
		}
		if t.Decodes() {
			c.mixed(m, at("media", i), c.s.Media[:i])
		}
	}
}

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
	case !headerext.ValidRID(m.RID):
		c.fail(p, fmt.Sprintf("%q is no RID (RFC 8852 section 3)", m.RID), "write letters and digits, 1 to 255 of them")
	case others(func(o *Media) bool { return o.RID == m.RID }):
		c.fail(p, fmt.Sprintf("another quality of %s is called %s", m.Simulcast, m.RID), "write another RID")
	case c.s.Signalling != nil && slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.From == m.To && o.To == m.From && o.Name == m.Name }):
		c.fail(p, fmt.Sprintf("%s has a stream called %s, too, and an encoding goes in one direction (RFC 8851 section 4)", m.To, m.Name), "give one of them another name")
	case others(func(o *Media) bool { return o.RID == "" }):
		c.fail(p, fmt.Sprintf("other qualities of %s have no RID", m.Simulcast), `give each of them one, or none`)
	}
}

// mixed checks a stream that a mixer decodes.
func (c *checker) mixed(m *Media, p strict.Path, before []Media) {
	switch {
	case m.Kind == "video" && c.s.Topology.Type == Transcoder:
	case m.Kind == "video" && len(c.s.Topology.Cascade) > 0:
		c.fail(p.Child("kind"), "mixers of a cascade add up audio alone", `write "type: sfm", or have one mixer`)
	case slices.ContainsFunc(before, func(o Media) bool { return o.From == m.From && o.Kind == m.Kind }):
		c.fail(p, fmt.Sprintf("%s has two streams of %s, and a place for one", m.From, m.Kind), "leave one of them out")
	case m.Kind == "video":
	case m.Speech == nil:
		c.fail(p, "a "+c.s.Topology.Box()+" decodes what is said, and here is nothing but a rate", `add "speech: {codec: pcmu, activity: always}"`)
	case slices.Contains(m.Speech.Codecs(), "opus"):
		where := c.firstOf(p.Child("speech").Child("switches"), p.Child("speech").Child("codec"), p.Child("speech"))
		c.fail(where, "a "+c.s.Topology.Box()+" decodes samples, and of Opus there are only sizes", "write pcmu, pcma or dvi4")
	}
}
