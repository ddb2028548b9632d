package scenarios

import (
	"fmt"
	"slices"

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
