package cellular

// Scheduler says in which order users get resource blocks.
type Scheduler string

// The schedulers.
const (
	// ProportionalFair prefers who has the highest rate now relative to what it
	// was given on average (RFC 8869 §2.1.2).
	ProportionalFair Scheduler = "proportional-fair"
	// RoundRobin serves users in turn.
	RoundRobin Scheduler = "round-robin"
)

// scheduler orders the users that can be served in one TTI.
//
// The average of proportional fair is an exponential one over the TTIs in which
// the user had a backlog: a user that returns has the average with which it
// left, and a new one comes first.
type scheduler struct {
	kind   Scheduler
	weight float64 // of the present TTI in the average
	order  []*user
	turn   int // index of the user whose turn it is
	first  bool
}

func (s *scheduler) begin() { s.order, s.first = s.order[:0], true }

func (s *scheduler) add(u *user) { s.order = append(s.order, u) }

// pick removes the user that comes next and returns it; nil if there is none.
func (s *scheduler) pick() *user {
	if len(s.order) == 0 {
		return nil
	}
	best := 0
	switch s.kind {
	case RoundRobin:
		best = s.fromTurn()
	case ProportionalFair:
		for i, u := range s.order {
			if u.priority() > s.order[best].priority() {
				best = i
			}
		}
	}
	u := s.order[best]
	copy(s.order[best:], s.order[best+1:])
	s.order = s.order[:len(s.order)-1]
	if s.first {
		s.first, s.turn = false, u.index+1
	}
	return u
}

// fromTurn finds the first user from the turn on. Users are in order of index.
func (s *scheduler) fromTurn() int {
	for i, u := range s.order {
		if u.index >= s.turn {
			return i
		}
	}
	return 0
}

// end takes what users were given into their averages.
func (s *scheduler) end(users []*user) {
	for _, u := range users {
		if u.waiting {
			u.average += float64(s.weight * (float64(u.served) - u.average))
		}
	}
}

// priority is proportional fair's ratio. The least average is a byte in a
// million TTIs.
func (u *user) priority() float64 { return float64(u.rate) / max(u.average, 1e-6) }
