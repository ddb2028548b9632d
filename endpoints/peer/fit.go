package peer

// fit returns how much of the directions that each stream should have there are resources for, and what is missing. Nothing
// changes. What is used already stays so: it isn't taken from one stream for another.
func (c *Connection) fit(target func(*stream) Direction) (fitted map[*stream]Direction, lacks []Lack) {
	fitted = make(map[*stream]Direction, len(c.streams))
	var asked amounts
	for _, s := range c.streams {
		for _, half := range halves {
			if target(s)&half.direction == 0 {
				continue
			}
			missing := len(lacks)
			var more amounts
			for _, r := range half.needs {
				switch {
				case s.usable(r):
				case c.pool.has(r, asked[r]+s.amount(r)):
					more[r] = s.amount(r)
				default:
					lacks = append(lacks, Lack{s.ID, r})
				}
			}
			if len(lacks) == missing {
				fitted[s] |= half.direction
				for r := range more {
					asked[r] += more[r]
				}
			}
		}
	}
	return fitted, lacks
}

// afford is fit for something that is to happen. What is missing is an error of a strict connection; another one does
// without, and tells of conflicts (000, rule 13).
func (c *Connection) afford(target func(*stream) Direction) (map[*stream]Direction, error) {
	fitted, lacks := c.fit(target)
	if len(lacks) > 0 && c.strict {
		c.pool.refuse(lacks)
		return nil, LackError(lacks)
	}
	c.doWithout(lacks)
	return fitted, nil
}

func (c *Connection) doWithout(lacks []Lack) {
	c.pool.refuse(lacks)
	for _, l := range lacks {
		c.tell(Event{Kind: Conflict, Lack: l})
	}
}

// Capabilities returns what an offer would have now of each stream that isn't inactive in it: what is wanted, as far as there
// are resources.
func (c *Connection) Capabilities() map[string]Direction {
	fitted, _ := c.fit(wanted)
	can := make(map[string]Direction, len(fitted))
	for s, d := range fitted {
		can[s.ID] = d
	}
	return can
}

func wanted(s *stream) Direction { return s.wanted }

// Resources returns what the connection holds: what it uses, and what its offer reserves. What it holds together with others
// counts in full.
func (c *Connection) Resources() Resources {
	var sum amounts
	if c.closed() {
		return sum.resources()
	}
	for _, s := range c.streams {
		for r, g := range s.held {
			if g != nil {
				sum[r] += g.amount
			}
		}
	}
	sum[Port] = 1
	return sum.resources()
}

// Used returns what the directions in effect need of encoders, decoders and uplink.
func (c *Connection) Used() Resources {
	var sum amounts
	for _, s := range c.streams {
		for _, half := range halves {
			if s.current&half.direction != 0 {
				for _, r := range half.needs {
					sum[r] += s.amount(r)
				}
			}
		}
	}
	return sum.resources()
}
