package peer

// Pool is what a device has for all its connections together (000, rule 10).
type Pool struct {
	capacity, used, peak amounts
	refused              [resources]uint64
}

// NewPool returns a pool with that capacity. An amount of 0 has no limit.
func NewPool(capacity Resources) *Pool { return &Pool{capacity: capacity.amounts()} }

// Capacity returns what the pool has; 0 has no limit.
func (p *Pool) Capacity() Resources { return p.capacity.resources() }

// InUse returns what has been given and not come back, be it used or reserved by an offer. What several connections hold
// together counts once.
func (p *Pool) InUse() Resources { return p.used.resources() }

// Peak returns the most that was in use of each resource.
func (p *Pool) Peak() Resources { return p.peak.resources() }

// Refused returns how often a resource was asked for and not there.
func (p *Pool) Refused(r Resource) uint64 { return p.refused[r] }

// has reports whether the pool could give that amount.
func (p *Pool) has(r Resource, amount int64) bool {
	return p.capacity[r] == 0 || p.used[r]+amount <= p.capacity[r]
}

func (p *Pool) refuse(lacks []Lack) {
	for _, l := range lacks {
		p.refused[l.Resource]++
	}
}

// take takes an amount that the pool has.
func (p *Pool) take(r Resource, amount int64) {
	if !p.has(r, amount) {
		panic("peer: more than there is: " + r.String())
	}
	p.used[r] += amount
	p.peak[r] = max(p.peak[r], p.used[r])
}

func (p *Pool) giveBack(r Resource, amount int64) {
	if p.used[r] -= amount; p.used[r] < 0 {
		panic("peer: given back twice: " + r.String())
	}
}

// grant is an amount that the pool has given for a stream. Connections whose offers wait for their answers hold it together;
// a decoder and a part of the uplink have one user at most.
type grant struct {
	amount  int64
	holders int
	user    *stream
}
