package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

func (c *checker) expect() {
	for i := range c.s.Expect {
		e := &c.s.Expect[i]
		p := at("expect", i)
		m := findMetric(e.Metric)
		if m == nil {
			c.fail(p.Child("metric"), fmt.Sprintf("there is no metric %q", e.Metric), insteadOfMetric(e.Metric))
			continue
		}
		if !c.badName {
			c.target(e, m, p)
		}
		c.during(e, p)
		c.breakerOf(e, p.Child("breaker"))
		c.bounds(e, m, p)
	}
}

// expectedFail checks that each entry is about controllers and expectations that exist.
func (c *checker) expectedFail(catalogue Catalogue) {
	var known []string
	if catalogue != nil {
		known = catalogue.Controllers()
	}
	for i := range c.s.ExpectedFail {
		k, p := &c.s.ExpectedFail[i], at("expected-fail", i)
		c.controllers(p.Child("controllers"), k.Controllers, known)
		c.controllers(p.Child("against"), k.Against, known)
		if len(k.Controllers) == 0 {
			c.fail(p.Child("controllers"), "there is no controller in the list", "name those that fail")
		}
		if strings.TrimSpace(k.Because) == "" {
			c.fail(p.Child("because"), "there is no reason", "say why they fail, and who says so")
		}
		if !slices.ContainsFunc(c.s.Expect, func(e Expect) bool { return k.about(&e) }) {
			c.fail(p, "there is no such expectation", "give the metrics and the time of some below expect")
			continue
		}
		for j, m := range k.Metrics {
			one := ExpectedFail{Metrics: []string{m}, During: k.During}
			if !slices.ContainsFunc(c.s.Expect, func(e Expect) bool { return one.about(&e) }) {
				c.fail(p.Child("metrics").Child(strconv.Itoa(j)), fmt.Sprintf("nothing is expected of %q", m), "name a metric below expect")
			}
		}
	}
}

// controllers checks the names in a list.
func (c *checker) controllers(p strict.Path, list, known []string) {
	for i, name := range list {
		if known != nil && !slices.Contains(known, name) {
			c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("there is no controller %q", name), instead(name, known, "the controllers"))
		}
	}
}

// insteadOfMetric suggests the nearest metric; all of them would make too long
// a line.
func insteadOfMetric(word string) string {
	if s := instead(word, metricNames(), ""); strings.HasPrefix(s, "did you mean") {
		return s
	}
	for _, m := range metrics {
		if strings.HasPrefix(m.name, word+"-") {
			return fmt.Sprintf("did you mean %q?", m.name)
		}
	}
	return "see the list of metrics, which begins with " + strings.Join(metricNames()[:4], ", ")
}

// target checks that the expectation says where it is measured, at the right
// kind of thing, and that the thing exists.
func (c *checker) target(e *Expect, m *metric, p strict.Path) {
	valid := c.targetsOf(m.of)
	example := "…"
	if len(valid) > 0 {
		example = valid[0]
	}
	remedy := fmt.Sprintf("write %q", m.of+": "+example)
	if m.of == "flows" {
		remedy = `write "flows: [` + example + `, …]"`
	}
	found := ""
	for _, t := range e.targets() {
		switch {
		case t.key == m.of:
			found = t.value
		case c.places.Has(p.Child(t.key)):
			c.failKey(p.Child(t.key), fmt.Sprintf("%s is measured at %s, not at %s", m.name, article(m.of), article(t.key)), remedy)
			return
		}
	}
	switch {
	case m.of == "flows" && len(e.Flows) > 0:
		c.flows(e, p.Child("flows"))
	case found == "":
		c.fail(p.Child(m.of), fmt.Sprintf("%s is measured at %s, which isn't said", m.name, article(m.of)), remedy)
	case !slices.Contains(valid, found):
		c.fail(p.Child(m.of), fmt.Sprintf("there is no %s %q", m.of, found), instead(found, valid, fmt.Sprintf("the %ss", m.of)))
	default:
		if problem, remedy := c.unmeasured(m, found); problem != "" {
			c.fail(p.Child(m.of), problem, remedy)
		}
	}
}

// flows checks the names and patterns of flows.
func (c *checker) flows(e *Expect, p strict.Path) {
	known := c.targetsOf("flow")
	for i, name := range e.Flows {
		if len(matching([]string{name}, known)) == 0 {
			c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("there is no flow %q", name), instead(name, known, "the flows"))
			return
		}
	}
	if n := len(matching(e.Flows, known)); n < 2 {
		c.fail(p, fmt.Sprintf("%s is about several flows, not %d", e.Metric, n), "name more flows, or a pattern like S*/video")
	}
}

// unmeasured says why a metric has no value at something that exists.
func (c *checker) unmeasured(m *metric, where string) (problem, remedy string) {
	switch m.only {
	case withRate:
		if c.unlimited(where) {
			return fmt.Sprintf("%s has no rate, so its %s isn't measured", where, m.name), `add a "rate:" to that direction, or expect something else`
		}
	case ofMedia:
		if slices.Contains(c.trafficNames(), where) {
			return fmt.Sprintf("%s is traffic, which has no %s", where, m.name), "name a flow of media"
		}
	case ofRelay:
		t := &c.s.Topology
		joined := t.Type == Mixer && len(t.Cascade) > 0 && m.name == "suppressed"
		switch {
		case !t.Relayed() && !joined || !t.Stands(where):
			return where + " is no relay", `write "endpoint: relay", with "type: relay" in topology`
		}
	case ofSignalling:
		if endpoint, _, _ := strings.Cut(where, "/"); !c.s.Signalled(endpoint) {
			return where + " has agreed on its call before the run", `write "signalling: {at: …}"`
		}
	case ofGathering:
		if c.s.ICE == nil {
			return where + " has one candidate, which it knows", `write "ice: {at: …}" beside signalling`
		}
	case ofMixer:
		if !c.s.Topology.Decodes() || !c.s.Topology.Stands(where) {
			return where + " is no mixer", `write "endpoint: mixer", with "type: mixer" in topology`
		}
	case ofBreaker:
		if slices.Contains(c.trafficNames(), where) {
			return fmt.Sprintf("%s is traffic, which has no circuit breaker", where), "name a flow of media"
		}
		if c.s.Breakers.Mode == "off" || c.s.Topology.Grouped() {
			return "no circuit breaker watches " + where, `write "mode: observe" in breakers, and have no relay`
		}
	case ofECN:
		if slices.Contains(c.trafficNames(), where) {
			return fmt.Sprintf("%s is traffic, which has no %s", where, m.name), "name a flow of media"
		}
		sender, _, _ := strings.Cut(where, "/")
		if c.s.CongestionOf(sender).Feedback != "ecn" {
			return "nobody counts marks for the sender of " + where, `write "feedback: ecn"`
		}
	case ofTCP:
		for i := range c.s.Traffic {
			if t := &c.s.Traffic[i]; t.Name == where && t.Type == "tcp" {
				return "", ""
			}
		}
		return fmt.Sprintf("%s isn't TCP, so it has no %s", where, m.name), "name traffic of type tcp"
	case ofAudio:
		if slices.Contains(c.trafficNames(), where) {
			return fmt.Sprintf("%s is traffic, which has no %s", where, m.name), "name a flow of audio"
		}
		for _, f := range c.s.Streams() {
			if f.FlowName() == where && f.Kind != "audio" {
				return fmt.Sprintf("%s is %s, which has no %s", where, f.Kind, m.name), "name a flow of audio"
			}
		}
	case ofVideo:
		if slices.Contains(c.trafficNames(), where) {
			return fmt.Sprintf("%s is traffic, which has no %s", where, m.name), "name a flow of video"
		}
		for _, f := range c.s.Streams() {
			if f.FlowName() == where && f.Kind != "video" {
				return fmt.Sprintf("%s is %s, which has no %s", where, f.Kind, m.name), "name a flow of video"
			}
		}
	case ofSender:
		sends := func(f Media) bool {
			to := f.To
			if c.s.Topology.Grouped() {
				to = c.s.Topology.via(f.From)
			}
			connection, _, _ := strings.Cut(where, "/") // the session's name may follow
			return f.From+"-"+to == connection
		}
		if !slices.ContainsFunc(c.s.Streams(), sends) {
			return fmt.Sprintf("the first end of %s sends nothing, so it has no %s", where, m.name), "name the connection from its sender"
		}
	case always:
	}
	return "", ""
}

// targetsOf returns what can be named by a key of an expectation.
func (c *checker) targetsOf(key string) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	switch key {
	case "flow", "flows":
		for _, m := range c.s.Streams() {
			add(m.FlowName())
		}
		for _, name := range c.trafficNames() {
			add(name)
		}
	case "link":
		for _, l := range c.s.Network.Links {
			add(l.Name + "/forward")
			add(l.Name + "/backward")
		}
	case "endpoint":
		names = c.endpointNames()
		for _, box := range c.s.Topology.Boxes() {
			names = append(names, box.Name)
		}
	case "connection":
		for _, p := range c.s.Topology.Gatherings() {
			for _, session := range c.s.Sessions(p) {
				suffix := ""
				if session.Name != "" {
					suffix = "/" + session.Name
				}
				for _, name := range c.connectionNames(p) {
					add(name + suffix)
				}
			}
		}
	case "source":
		for _, m := range c.s.Streams() {
			for _, name := range c.s.sourceNames(&m) {
				add(name)
			}
		}
	}
	return names
}

// connectionNames returns the names of the ends of a call, or of those of a group.
func (c *checker) connectionNames(peers []string) []string {
	var names []string
	for _, p := range peers {
		switch {
		case c.s.Topology.Grouped():
			names = append(names, p+"-"+c.s.Topology.via(p))
		case len(peers) != 2: // reported at the topology
		case p == peers[0]:
			names = append(names, p+"-"+peers[1])
		default:
			names = append(names, p+"-"+peers[0])
		}
	}
	return names
}

// unlimited reports whether a direction of a link, such as bottleneck/forward,
// has no rate.
func (c *checker) unlimited(direction string) bool {
	name, side, _ := strings.Cut(direction, "/")
	l := c.s.Link(name)
	if side == "forward" {
		return !l.Forward.limited()
	}
	return !l.Backward.limited()
}

func (c *checker) during(e *Expect, p strict.Path) {
	if e.During != nil && e.During.To > c.s.Duration {
		c.fail(p.Child("during"), fmt.Sprintf("%s reaches beyond the end of the run at %s", e.During, format(c.s.Duration)), "choose an earlier time or a longer duration")
	}
}

func (c *checker) bounds(e *Expect, m *metric, p strict.Path) {
	if e.Min == nil && e.Max == nil && e.Equal == nil {
		c.fail(p.Child("min"), "nothing is expected of the value", fmt.Sprintf("add min, max or equal, like %q", "max: "+m.quantity.example))
		return
	}
	if e.Tolerance != nil && e.Equal == nil {
		c.failKey(p.Child("tolerance"), "a tolerance belongs to equal", "write equal instead of min or max, or remove the tolerance")
	}
	b, err := m.quantity.bounds(e)
	var be *boundError
	if errors.As(err, &be) {
		problem, remedy := splitRemedy(be.err.Error())
		c.fail(p.Child(be.key), problem, remedy)
		return
	}
	if b.low > b.high {
		c.fail(p.Child("min"), fmt.Sprintf("min, %s, is above max, %s", *e.Min, *e.Max), "no value could be both; exchange them")
	}
}

// splitRemedy splits an error of package units into what is wrong and what
// would be right.
func splitRemedy(message string) (problem, remedy string) {
	if i := strings.LastIndex(message, ": write "); i >= 0 {
		return message[:i], message[i+2:]
	}
	return message, ""
}

func article(noun string) string {
	if noun == "flows" {
		return "several flows"
	}
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
