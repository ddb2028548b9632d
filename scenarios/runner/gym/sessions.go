package gym

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// sender is the end of a session that an agent can take.
type sender struct {
	connection string
	limits     ccontrol.Limits // over all variations
	variations int             // that have it
	controlled bool            // by something that isn't fixed, in a variation at least
	unheard    error           // why an agent can't take it, in a variation at least
}

// survey are the senders of a scenario, over all variations.
type survey struct {
	list       []*sender
	variations int
}

// survey looks at what there is in every variation.
func (e *Environment) survey(file *scenarios.File) (*survey, error) {
	s := &survey{variations: len(file.Runs)}
	for _, r := range file.Runs {
		err := suits(r.Scenario, e.config.Step)
		if err == nil {
			err = s.add(r.Scenario)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.config.Path, err)
		}
	}
	return s, nil
}

func (s *survey) add(scenario *scenarios.Scenario) error {
	senders, err := runner.Senders(scenario)
	if err != nil {
		return err
	}
	for i := range senders {
		of := &senders[i]
		if of.Legacy { // has no feedback, and no controller
			continue
		}
		at := slices.IndexFunc(s.list, func(o *sender) bool { return o.connection == of.Connection })
		if at < 0 {
			at = len(s.list)
			s.list = append(s.list, &sender{connection: of.Connection, limits: of.Limits})
		}
		x := s.list[at]
		x.variations++
		x.controlled = x.controlled || of.Controller != "fixed"
		if x.unheard == nil {
			x.unheard = hears(of)
		}
		x.limits.Min = min(x.limits.Min, of.Limits.Min)
		x.limits.Max = max(x.limits.Max, of.Limits.Max)
	}
	return nil
}

func (s *survey) names() []string {
	names := make([]string, len(s.list))
	for i, x := range s.list {
		names[i] = x.connection
	}
	return names
}

// unheard says why an agent can't take a session, or returns nil.
func (s *survey) unheard(session string) error {
	i := slices.IndexFunc(s.list, func(o *sender) bool { return o.connection == session })
	return s.list[i].unheard
}

// limits returns those of a session, which every variation must have.
func (s *survey) limits(session string) (ccontrol.Limits, error) {
	i := slices.IndexFunc(s.list, func(o *sender) bool { return o.connection == session })
	if x := s.list[i]; x.variations == s.variations {
		return x.limits, nil
	}
	return ccontrol.Limits{}, fmt.Errorf("not every variation of the matrix has the session %s: write another --session, or set the axis that removes it", session)
}

// choose returns the session that the agent sends in.
func choose(s *survey, asked string) (string, error) {
	names := strings.Join(s.names(), ", ")
	switch {
	case len(s.list) == 0:
		return "", errors.New("nobody in this scenario sends with a controller: add media, or an endpoint that isn't legacy")
	case asked != "" && !slices.Contains(s.names(), asked):
		return "", fmt.Errorf("there is no session %q: write --session with one of %s", asked, names)
	case asked != "":
		return asked, nil
	case len(s.list) == 1:
		return s.list[0].connection, nil
	}
	i := slices.IndexFunc(s.list, func(o *sender) bool { return o.controlled && o.unheard == nil })
	if i < 0 { // then the error says what the first one lacks
		i = slices.IndexFunc(s.list, func(o *sender) bool { return o.controlled })
	}
	if i < 0 {
		return "", fmt.Errorf("all controllers are fixed: write --session with one of %s", names)
	}
	return s.list[i].connection, nil
}
