package cellular

import "rtpfabric/sim/units"

// UserStats counts what a user was given.
type UserStats struct {
	// Sent is the bytes that the scheduler let the user send, without
	// repetitions.
	Sent units.Bytes
	// Delivered and Bytes are the packets that left the cell.
	Delivered uint64
	Bytes     units.Bytes
	// TTIs is in how many the user sent something new; Blocks is the resource
	// blocks that it used, repetitions included.
	TTIs, Blocks uint64
	// BlockErrors is how many of its blocks were lost, each time counting.
	BlockErrors uint64
}

// CellStats counts what the cell did.
type CellStats struct {
	TTIs   uint64 // in which anything was sent
	Blocks uint64 // resource blocks used
}

// Share returns which part of the resource blocks used so far a user had.
func (s CellStats) Share(u UserStats) units.Ratio {
	return units.Ratio(float64(u.Blocks) / float64(max(s.Blocks, 1)))
}

// Stats returns the cell's counts so far.
func (c *Cell) Stats() CellStats { return c.stats }

// ResourceBlocks is how many a TTI has.
func (c *Cell) ResourceBlocks() int { return c.blocks }

// UserNames lists the users' links in the order in which they were added.
func (c *Cell) UserNames() []string {
	names := make([]string, 0, len(c.users))
	for _, u := range c.users {
		names = append(names, u.link.Name)
	}
	return names
}

// UserStats returns the counts of the user with the link of that name, and
// whether there is one.
func (c *Cell) UserStats(link string) (UserStats, bool) {
	for _, u := range c.users {
		if u.link.Name == link {
			return u.stats, true
		}
	}
	return UserStats{}, false
}
