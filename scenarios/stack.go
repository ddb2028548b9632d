package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/scenarios/internal/strict"
)

// Hosted reports whether an endpoint is somebody else's stack, or has parts of one, which live in virtual
// time.
func (s *Scenario) Hosted() bool {
	return s.Security.Keying == "pion" || s.Security.ICE == "pion" ||
		slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.Hosted() || len(e.Interceptors) > 0 })
}

// Hosted reports whether the endpoint is somebody else's stack.
func (e *Endpoint) Hosted() bool { return e.Stack != ourStack && e.Stack != "" }

// ourStack is the name of endpoints that are ours.
const ourStack = "rtpfabric"

// pion reports whether the endpoint is pion's stack.
func (e *Endpoint) pion() bool { return e.Stack == "pion" }

// pionTopologies are those in which a pion stack can have its place: where each peer has a connection of
// its own. Parts of pion are in endpoints of ours in partTopologies.
var (
	pionTopologies = append([]string{Gateway, Transcoder}, partTopologies...)
	partTopologies = []string{"point-to-point", MeshName, SFM, SwitchingMixer, Mixer}
)

// stacks checks what somebody else's stack can't do, or has no setting for.
func (c *checker) stacks(catalogue Catalogue) {
	lister, ok := catalogue.(StackLister)
	for _, e := range c.s.Endpoints {
		if e.Hosted() && ok && !slices.Contains(lister.Stacks(), e.Stack) {
			known := append([]string{ourStack}, lister.Stacks()...)
			c.fail(at("endpoints", e.Name, "stack"), fmt.Sprintf("there is no stack %q", e.Stack), instead(e.Stack, known, "the stacks"))
			return
		}
	}
	i := slices.IndexFunc(c.s.Endpoints, func(e Endpoint) bool { return e.pion() })
	if i < 0 {
		return
	}
	c.aroundPion(c.s.Endpoints[i].Name)
	for i := range c.s.Endpoints {
		if e := &c.s.Endpoints[i]; e.pion() {
			c.pion(e)
		}
	}
	for i := range c.s.Media {
		c.pionMedia(&c.s.Media[i], i)
	}
}

// rule is a setting that something doesn't go with.
type rule struct {
	broken          bool
	path            strict.Path
	problem, remedy string
}

// apply reports the first rule that is broken.
func (c *checker) apply(rules []rule) {
	for _, r := range rules {
		if r.broken {
			c.fail(r.path, r.problem, r.remedy)
			return
		}
	}
}

// aroundPion checks what holds for the whole scenario as soon as one endpoint is pion's.
func (c *checker) aroundPion(name string) {
	s := c.s
	c.apply([]rule{
		{
			s.Topology.Grouped(), c.firstOf(at("topology", "joint"), at("topology", "type")),
			fmt.Sprintf("%s is a pion stack, whose keys come of its DTLS with one other end; in this RTP session all have keys that the others know", name),
			fmt.Sprintf("write point-to-point, with a relay if need be, mesh or sfm, where keys are between two, or remove stack from %s", name),
		},
		{
			!slices.Contains(pionTopologies, s.Topology.Type), at("topology", "type"),
			fmt.Sprintf("%s is a pion stack, whose calls aren't forked", name),
			fmt.Sprintf("write point-to-point, or remove stack from %s", name),
		},
		{s.Topology.Encoders == "shared", at("topology", "encoders"), "a pion stack has an encoder for each peer", `write "encoders: per-peer", or remove it`},
		{s.Topology.Sessions != "bundle", at("topology", "sessions"), "pion bundles all media", `write "sessions: bundle", or remove it`},
		{s.Protection != "full", at("protection"), "pion encrypts", `write "protection: full", or remove it`},
		{!s.RTCP.Mux, at("rtcp", "mux"), "pion has RTCP on the port of RTP", `write "mux: true", or remove it`},
		{s.RTCP.Profile != "avpf", at("rtcp", "profile"), "pion's profile is SAVPF", `write "profile: avpf"`},
		{!s.RTCP.ReducedSize, at("rtcp", "reduced-size"), "pion sends feedback by itself", `write "reduced-size: true"`},
		{s.Security.Keying != "dtls", at("security", "keying"), "pion gets its keys by DTLS", `write "keying: dtls", or remove it`},
		{s.Security.ICE == "pion", at("security", "ice"), "a pion stack has its own ICE", `write "ice: full" for endpoints of ours, or remove it`},
		{s.Security.Profile == "aes-cm-32", at("security", "profile"), "pion has no profile with tags of 32 bits", "write aes-cm-80, gcm-128 or gcm-256"},
		{s.Security.EncryptExtensions || s.Security.Cryptex, c.firstOf(at("security", "cryptex"), at("security", "encrypt-extensions")), "pion sends header extensions in the clear", "remove it"},
		{s.Congestion.ECN != "" && s.Congestion.ECN != "off", at("congestion", "ecn"), "pion doesn't look at ECN", `write "ecn: off", or remove it`},
		{s.Repair.repairsPictures(), c.firstOf(at("repair", "sli"), at("repair", "rpsi"), at("repair", "nack-action")), "pion knows neither slices nor reference pictures", "remove it"},
		{s.Repair.Refresh == "fir", at("repair", "refresh"), "a pion stack asks for key frames by PLI", "write pli"},
		{s.Playout.LipSync, at("playout", "lip-sync"), "what a pion stack receives isn't synchronised", `write "lip-sync: false", or remove it`},
	})
	for i := range s.Endpoints {
		if e := &s.Endpoints[i]; e.pion() || !s.Topology.Translates() { // which is to pion what pion is, whoever is beyond it
			c.besidePion(e, name)
		}
	}
}

// besidePion checks an endpoint of a scenario with a pion stack in it, which may be one itself.
func (c *checker) besidePion(e *Endpoint, name string) {
	p := at("endpoints", e.Name)
	g := c.s.CongestionOf(e.Name)
	whose := "whose peer may be " + name + ", a pion stack: "
	if e.pion() {
		whose = "a pion stack: "
	}
	control := func(field string) strict.Path {
		return c.firstOf(p.Child("congestion").Child(field), at("congestion", field))
	}
	c.apply([]rule{
		{e.Type != "webrtc", p.Child("type"), whose + "it talks SAVPF", "write webrtc, or remove it"},
		{e.Protection == "none", p.Child("protection"), whose + "it encrypts", "remove it"},
		{e.Interworking, p.Child("interworking"), whose + "it has AVPF", "remove it"},
		{!e.Bundle, p.Child("bundle"), whose + "it bundles all media", "remove it"},
		{!e.Symmetric, p.Child("symmetric"), whose + "it has one port", "remove it"},
		{e.Bandwidth != nil, p.Child("bandwidth"), whose + "its descriptions say nothing of bandwidth", "remove it"},
		{
			!slices.Contains([]string{"rfc8888", "twcc", "none"}, g.Feedback), control("feedback"),
			fmt.Sprintf("%sit gives feedback of the kinds rfc8888 and twcc, not %s", whose, g.Feedback), "write rfc8888, twcc or none",
		},
		{g.External != nil, control("controller"), "a program can't be asked in a run with a pion stack", "name a controller"},
		{g.Coupled != "off", at("congestion", "coupled"), whose + "its connections aren't coupled", `write "coupled: off", or remove it`},
		{g.Interval.Per != "time" || g.Interval.Every == 0, control("interval"), whose + "it gives feedback at intervals of time", "write a duration, like 100ms"},
	})
}

// pion checks an endpoint that is pion's stack.
func (c *checker) pion(e *Endpoint) {
	p := at("endpoints", e.Name)
	g := c.s.CongestionOf(e.Name)
	const our = "only an endpoint of ours has this"
	sends := slices.ContainsFunc(c.s.Media, func(m Media) bool { return m.From == e.Name })
	c.apply([]rule{
		{e.Floods != nil, p.Child("floods"), our, "remove it"},
		{e.MaxSSRC > 0, p.Child("max-ssrc"), our, "remove it"},
		{e.DecodeTop > 0, p.Child("decode-top"), our, "remove it"},
		{e.CNAME != "", p.Child("cname"), "pion's CNAME is the name of its stream", "remove it"},
		{e.ClockOffset != 0, p.Child("clock-offset"), "pion's clock is that of the run", "remove it"},
		{e.ClockDrift != 0, p.Child("clock-drift"), "pion's clock is that of the run", "remove it"},
		{e.Priority != 1, p.Child("priority"), "pion's controllers know no weights", "remove it"},
		{e.RTCP != nil, p.Child("rtcp"), "pion has its own ways with RTCP", "remove it"},
		{e.Congestion != nil && e.Congestion.Offers != nil, p.Child("congestion").Child("offers"), our, "remove it"},
		{
			sends && g.Controller != "gcc" && g.Controller != "fixed", c.firstOf(p.Child("congestion").Child("controller"), at("congestion", "controller")),
			fmt.Sprintf("%s is a pion stack, whose controllers are gcc and fixed, not %s", e.Name, g.Controller), `write "congestion: {controller: gcc}" for the endpoint`,
		},
		{
			sends && len(g.Parameters) > 0, c.firstOf(p.Child("congestion").Child("parameters"), at("congestion", "parameters")),
			fmt.Sprintf("%s is a pion stack, whose controllers take no parameters", e.Name), "remove them, or give them to the endpoints that they are for",
		},
		{
			sends && g.Controller == "gcc" && g.Feedback == "none", c.firstOf(p.Child("congestion").Child("feedback"), at("congestion", "feedback")),
			"pion's gcc needs feedback about packets", "write twcc or rfc8888",
		},
		{e.Pion.TURN != "udp" && (c.s.ICE == nil || !c.s.ICE.TURN), p.Child("pion").Child("turn"), "there is no TURN server", `add "ice: {at: S}", or remove it`},
		{e.Pion.Pacer != "leaky-bucket" && g.Controller != "gcc" && len(e.Interceptors) == 0, p.Child("pion").Child("pacer"), "the pacer is that of gcc", `write "controller: gcc", or remove it`},
	})
}

// pionMedia checks a stream that goes to a pion stack or comes from one.
func (c *checker) pionMedia(m *Media, i int) {
	hosted := func(name string) bool {
		e := c.s.Endpoint(name)
		return e != nil && e.pion()
	}
	from, to := hosted(m.From), hosted(m.To) || m.To == ""
	if !from && !to && !c.s.Topology.Forwarded() {
		return
	}
	if !from && c.s.Topology.Translates() && !c.translatedToPion(m) {
		return
	}
	p := at("media", i)
	codecs := m.codecs()
	c.apply([]rule{
		{m.FEC != nil && m.FEC.Type != "none", p.Child("fec"), "between ours and pion there is no FEC yet", "remove it"},
		{m.Bandwidth != nil, p.Child("bandwidth"), "pion's descriptions say nothing of bandwidth", "remove it"},
		{from && m.DSCP != nil, p.Child("dscp"), "pion doesn't mark its packets", "remove it"},
		{(from || to) && len(m.Limits) > 0, p.Child("limits"), "pion knows no TMMBR", "remove it"},
		{(from || to) && len(m.TradeOffs) > 0, p.Child("trade-offs"), "pion knows no TSTR", "remove it"},
		{m.Kind == "audio" && len(codecs) > 1, p.Child("speech").Child("switches"), "a track of pion's has one codec", "remove them"},
		{m.Kind == "audio" && m.Speech != nil && m.Speech.DTX && m.Speech.Codec != "opus", p.Child("speech").Child("dtx"), "a track of pion's has one payload type, and comfort noise has its own", `write "dtx: false"`},
		{m.Speech != nil && len(m.Speech.Digits) > 0, p.Child("speech").Child("digits"), "between ours and pion there are no telephone events", "remove them"},
		{m.Kind == "audio" && codecs[0] == "dvi4", p.Child("speech").Child("codec"), "pion has no DVI4", "write opus, pcmu or pcma"},
	})
}

// translatedToPion reports whether a stream that a translator gets from an endpoint of ours is the same when it goes on to a pion
// stack: in the same codec, that is. A transcoder sends voices in the codec that their listener has itself.
func (c *checker) translatedToPion(m *Media) bool {
	if m.Kind != "audio" || c.s.Topology.Type == Gateway {
		return m.Kind == "audio"
	}
	return !slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.Kind == "audio" && o.From != m.From })
}
