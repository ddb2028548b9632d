package simrun

import (
	"fmt"
	"strings"

	"rtpfabric/scenarios"
)

// signallingLines say how a call is agreed on.
func signallingLines(c *scenarios.Scenario) []string {
	g := c.Signalling
	if g == nil {
		return nil
	}
	first := g.By + " at " + g.At
	if !c.Topology.Forked() {
		first += ", " + g.Resolution
		if g.Resolves {
			first += ", which the server compares as well"
		}
	}
	list := []string{first}
	for _, p := range g.Peers {
		switch {
		case p.Poll > 0:
			list = append(list, fmt.Sprintf("%s asks for messages every %s", p.Name, seconds(p.Poll)))
		case p.LongPoll > 0:
			list = append(list, fmt.Sprintf("%s asks for messages and waits up to %s", p.Name, seconds(p.LongPoll)))
		}
		if p.Simulcast > 0 {
			list = append(list, fmt.Sprintf("%s takes up to %d encodings of a picture", p.Name, p.Simulcast))
		}
	}
	for _, o := range g.Offers {
		line := fmt.Sprintf("%s offers at %s", o.By, seconds(o.At))
		if o.Sends != nil {
			line += ", to send " + listOr(*o.Sends, "nothing")
		}
		if o.Restart {
			line += ", and restarts ICE"
		}
		list = append(list, line)
	}
	if i := c.ICE; i != nil {
		list = append(list, gatheringLine(i))
	}
	if c.Topology.Forked() {
		list = append(list, forkLines(c.Topology.Peers[1:], g.Fork)...)
	}
	return list
}

// gatheringLine says how ends gather candidates.
func gatheringLine(i *scenarios.ICE) string {
	servers, when, which := "STUN", "", ""
	if i.TURN {
		servers = "STUN and TURN"
	}
	if i.Pool {
		when = " from the start"
	}
	if i.Policy == "relay" {
		which = ", relayed ones alone"
	}
	line := fmt.Sprintf("candidates%s from a server of %s at %s%s", when, servers, i.At, which)
	if *i.Trickle {
		return line + ", trickled"
	}
	return line
}

// forkLines say how an offer forks.
func forkLines(devices []string, f *scenarios.Fork) []string {
	list := []string{"warm-up of lines before somebody accepts: " + f.WarmUp}
	say := func(so bool, format string, arguments ...any) {
		if so {
			list = append(list, fmt.Sprintf(format, arguments...))
		}
	}
	say(f.Limit > 0, "to %d devices at most", f.Limit)
	say(f.Rings > 0, "each device rings for %s, one after the other", seconds(f.Rings))
	say(f.Answers == "accepted", "the server hands the answer on that is accepted")
	say(f.Choose == "last", "the last of those that accept within %s", seconds(f.Decides))
	say(f.Choose == "best", "best of those that accept within %s: %s", seconds(f.Decides), strings.Join(f.Prefers, ", "))
	say(f.Encoders+f.Decoders > 0, "encoders: %s, decoders: %s", countOr(f.Encoders), countOr(f.Decoders))
	for _, name := range devices {
		d := f.Device(name)
		does := []string{"answers at once"}
		if !d.Answers {
			does = []string{"answers when somebody accepts"}
		} else if d.Processing > 0 {
			does = []string{"answers after " + seconds(d.Processing)}
		}
		at := func(what string, m *scenarios.Moment) {
			if m != nil {
				does = append(does, what+" after "+m.String())
			}
		}
		if d.Early {
			does = append(does, "sends early media")
		}
		for _, r := range d.Replaces {
			line := "answers again after " + seconds(r.After) + " with " + listOr(r.Sends, "nothing")
			if r.Moves {
				line += " from another port"
			}
			does = append(does, line)
		}
		at("accepts", d.Accepts)
		at("declines", d.Declines)
		if d.AcceptsOn != "" {
			does = append(does, "accepts on key "+d.AcceptsOn)
		}
		list = append(list, name+": "+strings.Join(does, ", "))
	}
	for _, k := range f.Keys {
		list = append(list, fmt.Sprintf("keys %s to %s at %s", k.Keys, k.To, seconds(k.At)))
	}
	return list
}

func listOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}

func countOr(n int) string {
	if n == 0 {
		return "without limit"
	}
	return fmt.Sprint(n)
}
