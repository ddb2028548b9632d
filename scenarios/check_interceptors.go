package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
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
			c.interceptorNeeds(e, it, q)
			if known.Leads(it.Type) {
				leads++
			}
		}
		c.aroundInterceptors(e, p, leads)
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
		{strings.HasPrefix(it.Type, "nack-") && !c.s.Repair.NACK, t, "nobody has agreed to requests of lost packets", `write "repair: {nack: true}"`},
	})
}

// aroundInterceptors checks what all of pion's need around them. leads is how many decide about the rate.
func (c *checker) aroundInterceptors(e *Endpoint, p strict.Path, leads int) {
	s := c.s
	sends := slices.ContainsFunc(s.Media, func(m Media) bool { return m.From == e.Name })
	c.apply([]rule{
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
			!slices.Contains(pionTopologies, s.Topology.Type) || s.Topology.Joint, at("topology", "type"),
			fmt.Sprintf("interceptors, as %s has, stand between a session and its only peer", e.Name), "write point-to-point, mesh, sfm, switching-mixer or mixer",
		},
		{leads > 1, p, "several of them decide about the rate", "leave one"},
		{leads > 0 && s.CongestionOf(e.Name).Coupled != "off", at("congestion", "coupled"), "the controller of an interceptor isn't coupled", `write "coupled: off", or remove it`},
		{!s.RTCP.ReducedSize, at("rtcp", "reduced-size"), "interceptors send feedback by itself", `write "reduced-size: true"`},
		{s.RTCP.Profile != "avpf", at("rtcp", "profile"), "interceptors have AVPF", `write "profile: avpf"`},
	})
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
			!slices.Contains(pionTopologies, s.Topology.Type) || s.Topology.Joint, p,
			"pion's DTLS and ICE are between two ends, each with a connection of its own", "write a topology of point-to-point, mesh, sfm, switching-mixer or mixer, or remove it",
		},
		{ice && s.Security.Keying == "preshared", at("security", "ice"), "nothing waits for ICE where keys are there from the start", `write "keying: dtls" or "keying: pion"`},
		{ice && !s.RTCP.Mux, at("rtcp", "mux"), "pion's ICE has one component, for RTP and RTCP", `write "mux: true", or remove it`},
		{asymmetric >= 0, p, "an endpoint sends from other ports than it receives on", "remove it, or symmetric from the endpoint"},
		{s.Security.Keying == "pion" && s.Security.Profile == "aes-cm-32", at("security", "profile"), "pion has no profile with tags of 32 bits", "write aes-cm-80, gcm-128 or gcm-256"},
	})
}
