package peer

import "slices"

// Granted returns what the connections hold, with what they hold together once: what their pool should have in use.
func Granted(connections []*Connection) Resources {
	var sum amounts
	seen := map[*grant]bool{}
	ports := map[*Transport]bool{}
	for _, c := range connections {
		if c.closed() {
			continue
		}
		ports[c.transport] = true
		for _, s := range c.streams {
			for r, g := range s.held {
				if g != nil && !seen[g] {
					seen[g] = true
					sum[r] += g.amount
				}
			}
		}
	}
	sum[Port] = int64(len(ports))
	return sum.resources()
}

// Ill returns what is wrong with how the connections hold what they hold; empty if nothing is.
func Ill(connections []*Connection) string {
	holders := map[*grant]int{}
	for _, c := range connections {
		for _, s := range c.sections {
			if !slices.Contains(c.streams, s) || s.mid == "" {
				return c.name + " has a section without a stream"
			}
		}
		for _, s := range c.streams {
			if c.closed() && (s.current != 0 || s.reserved != 0 || s.held != [resources]*grant{}) {
				return c.name + " is closed and holds something"
			}
			for r, g := range s.held {
				if g != nil {
					holders[g]++
				}
				if g != nil && g.user != nil && g.user != s && s.current&halfOf(Resource(r)) != 0 {
					return c.name + " uses what another one does"
				}
			}
			if s.current&^(s.agreed&s.wanted) != 0 {
				return c.name + " does what isn't agreed on, or wanted"
			}
			if s.holds(s.current|s.reserved) != s.current|s.reserved {
				return c.name + " lacks what it has reserved or uses"
			}
		}
	}
	for g, n := range holders {
		if g.holders != n {
			return "a grant counts its holders wrong"
		}
	}
	return ""
}

func halfOf(r Resource) Direction {
	if r == Decoder {
		return RecvOnly
	}
	return SendOnly
}
