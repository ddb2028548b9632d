package audio

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Party is one of the two ends of a conversation.
type Party uint8

// The parties.
const (
	A Party = iota
	B
)

// State says who talks.
type State uint8

// The states of a conversation (ITU-T P.59 §3).
const (
	MutualSilence State = iota
	SingleTalkA
	SingleTalkB
	DoubleTalk
)

// String returns the state's name as ITU-T P.59 has it.
func (s State) String() string {
	return [...]string{"mutual silence", "single talk A", "single talk B", "double talk"}[s]
}

// Talks reports whether a party talks in the state.
func (s State) Talks(p Party) bool {
	return s == DoubleTalk || p == A && s == SingleTalkA || p == B && s == SingleTalkB
}

// Pace holds the parameters of a conversation: the mean durations of its states,
// which are exponentially distributed, and where they lead.
type Pace struct {
	Single, Double, Silence time.Duration
	// Interrupt is the probability that single talk turns into double talk rather
	// than into silence. Out of the other two states, both parties are equally
	// likely to be the one that talks next.
	Interrupt float64
}

// P59 returns the pace of ITU-T P.59 §3: single talk of 0.854 s, double talk of
// 0.226 s and mutual silence of 0.456 s in the mean; single talk ends in double talk
// in 40 of 100 cases.
//
// Deviation (ITU-T P.59 §3): pauses shorter than 200 ms aren't filled in here. That
// is what a source's [Overhang] does.
func P59() Pace {
	return Pace{Single: 854 * time.Millisecond, Double: 226 * time.Millisecond, Silence: 456 * time.Millisecond, Interrupt: 0.4}
}

// Conversation is a dialogue of two parties that both ends work out for
// themselves: given streams of equal seed and name they come to the same.
type Conversation struct{ first turns }

// NewConversation returns a conversation that begins with mutual silence. It copies
// the stream and draws nothing from it, so that two ends may be given one.
func NewConversation(start simtime.Time, p Pace, random *rng.Stream) *Conversation {
	c := &Conversation{first: turns{pace: p, random: *random, until: start}}
	c.first.enter(MutualSilence)
	return c
}

// Talker returns one party's view.
func (c *Conversation) Talker(p Party) *Talker {
	start := c.first.since
	return &Talker{party: p, turns: c.first, until: start}
}

// Observer returns a view of who talks.
func (c *Conversation) Observer() *Observer { return &Observer{turns: c.first} }

// turns is the conversation from one state to the next.
type turns struct {
	pace         Pace
	random       rng.Stream
	state        State
	since, until simtime.Time // of the state
}

// advance goes to the next state.
func (t *turns) advance() {
	chance := t.random.Float64()
	switch {
	case t.state == SingleTalkA || t.state == SingleTalkB:
		if chance < t.pace.Interrupt {
			t.enter(DoubleTalk)
		} else {
			t.enter(MutualSilence)
		}
	case chance < 0.5:
		t.enter(SingleTalkA)
	default:
		t.enter(SingleTalkB)
	}
}

func (t *turns) enter(s State) {
	mean := t.pace.Single
	switch s {
	case DoubleTalk:
		mean = t.pace.Double
	case MutualSilence:
		mean = t.pace.Silence
	case SingleTalkA, SingleTalkB:
	}
	t.state, t.since = s, t.until
	// At least a nanosecond, so that no two states begin at once.
	t.until = t.until.Add(max(time.Duration(t.random.Exponential(float64(mean))), 1))
}

// Observer tells the state of a conversation.
type Observer struct{ turns turns }

// State returns the state at a time. Times must not decrease.
func (o *Observer) State(at simtime.Time) State {
	for at >= o.turns.until {
		o.turns.advance()
	}
	return o.turns.state
}

// NextChange returns when the state that rules at the given time ends. Times must
// not decrease.
func (o *Observer) NextChange(at simtime.Time) simtime.Time {
	o.State(at)
	return o.turns.until
}
