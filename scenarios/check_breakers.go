package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// breakers checks what belongs together.
func (c *checker) breakers() {
	b, p := &c.s.Breakers, at("breakers")
	if c.s.Topology.Grouped() {
		if b.Mode != "off" || len(b.Watch) > 0 {
			c.failKey(p, "circuit breakers are for unicast sessions (RFC 8083 §2), and a relay's group isn't one", "remove it")
		}
		return
	}
	if b.Mode == "off" {
		if len(b.Watch) > 0 {
			c.failKey(p.Child("watch"), "nothing watches with mode off", `write "mode: observe"`)
		}
		return
	}
	c.conditions(&b.Conditions, p)
	if b.Restart > 0 && b.Mode == "observe" {
		c.fail(p.Child("restart"), "nothing stops that could be restarted", `write "mode: enforce", or remove it`)
	}
	for _, w := range b.Watch {
		c.name(p.Child("watch").Child(w.Name), w.Name, "circuit breaker")
		c.conditions(&w.Conditions, p.Child("watch").Child(w.Name))
		if u := w.Conditions.Usability; u != nil && u.Judge != "sender" {
			c.fail(p.Child("watch").Child(w.Name).Child("usability").Child("judge"), "who watches is a sender", "write it in the breaker's own usability, or remove it")
		}
	}
}

// conditions checks those of one breaker.
func (c *checker) conditions(b *Conditions, p strict.Path) {
	if b.Congestion != "reduce" {
		key := ""
		switch {
		case b.Recover > 0:
			key = "recover"
		case b.Factor > 10:
			key = "factor"
		}
		if key != "" {
			c.failKey(p.Child(key), "it is about a rate that is reduced first", `write "congestion: reduce", or remove it`)
		}
	}
	if b.Congestion == "off" && b.Equation != "simplified" {
		c.failKey(p.Child("equation"), "nothing is computed with congestion off", `write "congestion: cease", or remove it`)
	}
	if b.Congestion == "off" && b.Sustained {
		c.failKey(p.Child("sustained"), "nothing is computed with congestion off", `write "congestion: cease", or remove it`)
	}
	if u := b.Usability; u != nil && u.Loss == nil && u.RTT == nil {
		c.failKey(p.Child("usability"), "it doesn't say what is unusable", `add "loss: 30%", or "rtt: 2s"`)
	}
}

// breakerOf checks the breaker that an expectation names.
func (c *checker) breakerOf(e *Expect, p strict.Path) {
	var known []string
	for _, w := range c.s.Breakers.Watch {
		known = append(known, w.Name)
	}
	switch {
	case e.Breaker == "":
	case !strings.HasPrefix(e.Metric, "breaker-"):
		c.failKey(p, fmt.Sprintf("%s isn't about circuit breakers", e.Metric), "remove it")
	case !slices.Contains(known, e.Breaker):
		c.fail(p, fmt.Sprintf("no circuit breaker %q watches", e.Breaker), instead(e.Breaker, known, "those in breakers.watch"))
	}
}
