package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// interceptors checks the parts of other stacks that endpoints of ours have.
func (c *checker) interceptors(catalogue Catalogue) {
	known, _ := catalogue.(InterceptorChecker)
	for i := range c.s.Endpoints {
		e := &c.s.Endpoints[i]
		if len(e.Interceptors) == 0 || known == nil {
			continue
		}
		p := at("endpoints", e.Name, "interceptors")
		leads := 0
		for k := range e.Interceptors {
			it, q := &e.Interceptors[k], p.Child(strconv.Itoa(k))
			if !c.interceptor(known, it, q) {
				continue
			}
			first := slices.IndexFunc(e.Interceptors, func(o Interceptor) bool { return o.Type == it.Type })
			if first < k && !known.Several(it.Type) {
				c.fail(q.Child("type"), fmt.Sprintf("%s has it already", e.Name), "remove one")
				continue
			}
			c.interceptorNeeds(e, it, q)
			if it.Type == "gcc" {
				c.gccBounds(it, q)
			}
			if known.Leads(it.Type) {
				leads++
			}
		}
		c.aroundInterceptors(e, p, leads)
		c.interceptedReports(e, p)
	}
}

// interceptor checks type and options; it reports whether the type is known.
func (c *checker) interceptor(known InterceptorChecker, it *Interceptor, p strict.Path) bool {
	if types := known.Interceptors(); !slices.Contains(types, it.Type) {
		c.fail(p.Child("type"), fmt.Sprintf("there is no interceptor %q", it.Type), instead(it.Type, types, "the interceptors"))
		return false
	}
	names := known.InterceptorOptions(it.Type)
	for _, o := range it.Options {
		q := p.Child("options").Child(o.Name)
		if !slices.Contains(names, o.Name) {
			remedy := fmt.Sprintf("%s has no options; remove it", it.Type)
			if len(names) > 0 {
				remedy = instead(o.Name, names, "its options")
			}
			c.failKey(q, fmt.Sprintf("interceptor %s has no option %q", it.Type, o.Name), remedy)
			continue
		}
		if err := known.CheckInterceptorOption(it.Type, o.Name, o.Value); err != nil {
			problem, remedy, _ := strings.Cut(err.Error(), ": ")
			c.fail(q, problem, remedy)
		}
	}
	return true
}

// interceptorNeeds checks what some of pion's need around them.
func (c *checker) interceptorNeeds(e *Endpoint, it *Interceptor, p strict.Path) {
	t := p.Child("type")
	g := c.s.CongestionOf(e.Name)
	place := func(typ string) int { // among the endpoint's; those that stand before it are nearer to the network
		return slices.IndexFunc(e.Interceptors, func(o Interceptor) bool { return o.Type == typ })
	}
	wanted := func(feedback string) bool {
		return slices.ContainsFunc(c.s.Endpoints, func(o Endpoint) bool {
			return o.Name != e.Name && c.s.CongestionOf(o.Name).Feedback == feedback
		})
	}
	c.apply([]rule{
		{it.Type == "gcc" && g.Feedback != "twcc" && g.Feedback != "rfc8888", t, "gcc needs feedback about packets", `write "congestion: {feedback: twcc}", or rfc8888`},
		{(it.Type == "twcc" || it.Type == "rfc8888") && !wanted(it.Type), t, fmt.Sprintf("nobody wants feedback of the kind %s", it.Type), fmt.Sprintf(`write "congestion: {feedback: %s}"`, it.Type)},
		{
			!e.pion() && it.Type == "twcc-numbers" && (place("gcc") < 0 || place("gcc") > place("twcc-numbers")), t,
			"the endpoint's own controller knows packets by the session's numbers, and gcc must see those that are sent", "write {type: gcc} before it",
		},
		{
			!e.pion() && it.Type == "nack-responder" && g.Feedback == "twcc" && (place("twcc-numbers") < 0 || place("twcc-numbers") > place("nack-responder")), t,
			"what is sent again would have the transport-wide numbers of what was lost", `write {type: gcc} and {type: twcc-numbers} before it, or "congestion: {feedback: rfc8888}"`,
		},
		{
			e.pion() && it.Type == "gcc" && g.Feedback == "twcc" && place("twcc-numbers") < place("gcc"), t,
			"gcc knows packets by transport-wide numbers, which pion's stack has from an interceptor", "write {type: twcc-numbers} behind it",
		},
		{e.pion() && it.Type == "flexfec", t, "FEC of a pion stack has to be negotiated, and endpoints of ours don't know its format", "remove it"},
		{it.Type == "twcc-numbers" && g.Feedback != "twcc", t, "without transport-wide feedback packets have no such numbers", `write "congestion: {feedback: twcc}"`},
		{
			it.Type == "pacing" && g.Controller != "fixed" && (place("gcc") < 0 || place("gcc") > place("pacing")), t,
			"a controller takes what waits in pion's pacer to wait in the network", `write "controller: fixed", or {type: gcc, options: {pacer: none}} before it`,
		},
		{it.Type == "flexfec" && e.VideoType > 110, at("endpoints", e.Name, "video-type"), "FEC may have this payload type", "write 96, or one of 100 to 110"},
		{strings.HasPrefix(it.Type, "nack-") && !c.s.Repair.NACK, t, "nobody has agreed to requests of lost packets", `write "repair: {nack: true}"`},
	})
}

// aroundInterceptors checks what all of pion's need around them. leads is how many decide about the rate.
func (c *checker) aroundInterceptors(e *Endpoint, p strict.Path, leads int) {
	s := c.s
	sends := slices.ContainsFunc(s.Media, func(m Media) bool { return m.From == e.Name })
	ours := leads > 0 && !e.pion()
	own := func(field string) strict.Path {
		return c.firstOf(at("endpoints", e.Name, "congestion", field), at("congestion", field))
	}
	c.apply([]rule{
		{ours && e.Priority != 1, at("endpoints", e.Name, "priority"), "pion's controllers know no weights", "remove it"},
		{
			ours && len(s.CongestionOf(e.Name).Parameters) > 0, own("parameters"),
			"the endpoint's controller is an interceptor, which has options instead", "remove them, or give them to the endpoints that they are for",
		},
		{e.Hosted() && !e.pion(), p, fmt.Sprintf("%s is a %s stack, and these are pion's", e.Name, e.Stack), "remove them, or the stack"},
		{
			e.pion() && e.Pion.Pacer != "leaky-bucket", at("endpoints", e.Name, "pion", "pacer"), "the pacer is that of the endpoint's interceptor gcc",
			`write "{type: gcc, options: {pacer: none}}" there`,
		},
		{
			e.pion() && sends && (s.CongestionOf(e.Name).Controller == "gcc") != (leads > 0), p,
			"whether the endpoint has gcc is said twice, and not the same", `write {type: gcc} and "controller: gcc", or "controller: fixed" without`,
		},
		{e.Type != "webrtc", p, "a legacy endpoint has no interceptors", "remove them, or the type"},
		{
			s.Topology.Joint || !slices.Contains(partTopologies, s.Topology.Type) && (!e.pion() || !s.Topology.Translates()), at("topology", "type"),
			fmt.Sprintf("interceptors, as %s has, stand between a session and its only peer", e.Name), "write point-to-point, mesh, sfm, switching-mixer or mixer",
		},
		{leads > 1, p, "several of them decide about the rate", "leave one"},
		{leads > 0 && s.CongestionOf(e.Name).Coupled != "off", at("congestion", "coupled"), "the controller of an interceptor isn't coupled", `write "coupled: off", or remove it`},
		{!s.RTCP.ReducedSize, at("rtcp", "reduced-size"), "interceptors send feedback by itself", `write "reduced-size: true"`},
		{s.RTCP.Profile != "avpf", at("rtcp", "profile"), "interceptors have AVPF", `write "profile: avpf"`},
	})
}

// interceptedReports checks the reports of an endpoint whose session leaves them to pion: all of them, with what is in one
// packet with them.
func (c *checker) interceptedReports(e *Endpoint, p strict.Path) {
	s := c.s
	has := func(typ string) bool {
		return slices.ContainsFunc(e.Interceptors, func(i Interceptor) bool { return i.Type == typ })
	}
	of, about := has("sender-reports"), has("receiver-reports")
	if e.pion() || !of && !about {
		return
	}
	sends := slices.ContainsFunc(s.Media, func(m Media) bool { return m.From == e.Name })
	receives := slices.ContainsFunc(s.Media, func(m Media) bool { return m.From != e.Name && (m.To == "" || m.To == e.Name) })
	traded := slices.IndexFunc(s.Media, func(m Media) bool { return len(m.TradeOffs) > 0 && m.From != e.Name })
	c.apply([]rule{
		{sends && !of, p, "the session leaves all reports to interceptors, and there are none of what is sent", "write {type: sender-reports} too"},
		{receives && !about, p, "the session leaves all reports to interceptors, and there are none of what comes", "write {type: receiver-reports} too"},
		{len(s.RTCP.XR) > 0, at("rtcp", "xr"), fmt.Sprintf("reports of %s are pion's, which has no extended ones", e.Name), "remove it, or the interceptors for reports"},
		{s.Playout.LipSync, at("playout", "lip-sync"), fmt.Sprintf("reports of %s are pion's, which tells no CNAME", e.Name), `write "lip-sync: false", or remove the interceptors for reports`},
		{traded >= 0, at("media", traded, "trade-offs"), fmt.Sprintf("reports of %s are pion's, and this is asked for beside them", e.Name), "remove it, or the interceptors for reports"},
	})
}

// gccBounds checks pion's gcc's options together.
func (c *checker) gccBounds(it *Interceptor, p strict.Path) {
	last, value := "", units.BitRate(0)
	for _, name := range []string{"min", "initial", "max"} {
		at := slices.IndexFunc(it.Options, func(o Parameter) bool { return o.Name == name })
		if at < 0 {
			continue
		}
		rate, err := units.ParseBitRate(it.Options[at].Value)
		if err != nil {
			return // said already
		}
		if rate < value {
			c.fail(p.Child("options").Child(name), fmt.Sprintf("%s is less than %s", name, last), "write rates with min <= initial <= max")
			return
		}
		last, value = name, rate
	}
}

// hostedParts checks what holds as soon as parts of pion are in sessions of ours: they are in virtual time only while
// nobody outside of it is waited for.
func (c *checker) hostedParts() {
	s := c.s
	if !s.Hosted() {
		return
	}
	c.hostedKeying()
	if slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.pion() }) {
		return // said already
	}
	for i := range s.Endpoints {
		if g := s.CongestionOf(s.Endpoints[i].Name); g.External != nil {
			c.fail(c.firstOf(at("endpoints", s.Endpoints[i].Name, "congestion", "controller"), at("congestion", "controller")),
				"a program can't be asked in a run with parts of pion", "name a controller")
			return
		}
	}
}

// hostedKeying checks pion's DTLS and ICE.
func (c *checker) hostedKeying() {
	s := c.s
	ice := s.Security.ICE == "pion"
	if s.Security.Keying != "pion" && !ice {
		return
	}
	p := c.firstOf(at("security", "ice"), at("security", "keying"))
	asymmetric := slices.IndexFunc(s.Endpoints, func(e Endpoint) bool { return !e.Symmetric })
	c.apply([]rule{
		{
			!slices.Contains(partTopologies, s.Topology.Type) || s.Topology.Joint, p,
			"pion's DTLS and ICE are between two ends, each with a connection of its own", "write a topology of point-to-point, mesh, sfm, switching-mixer or mixer, or remove it",
		},
		{s.Protection == "none", at("protection"), "without protection there are no keys to wait for", `write "protection: full", or remove pion's DTLS and ICE`},
		{ice && s.Security.Keying == "preshared", at("security", "ice"), "nothing waits for ICE where keys are there from the start", `write "keying: dtls" or "keying: pion"`},
		{ice && !s.RTCP.Mux, at("rtcp", "mux"), "pion's ICE has one component, for RTP and RTCP", `write "mux: true", or remove it`},
		{asymmetric >= 0, p, "an endpoint sends from other ports than it receives on", "remove it, or symmetric from the endpoint"},
		{s.Security.Keying == "pion" && s.Security.Profile == "aes-cm-32", at("security", "profile"), "pion has no profile with tags of 32 bits", "write aes-cm-80, gcm-128 or gcm-256"},
	})
}
