// Package gym trains agents: it runs a scenario over and over, with an agent in the place
// of the controller of one session, and speaks with the agent in lines of JSON.
// docs/gym.md is the protocol. An episode is a run. Time in it is virtual, and stands still
// while the agent thinks.
package gym

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// Protocol is the name and version of what [Environment.Serve] speaks.
const Protocol = "simrun-gym-v1"

// Config says what to train for.
type Config struct {
	// Path is the scenario file. It is read once.
	Path string
	// Set overrides fields, as in [scenarios.Options].
	Set []string
	// Session is the end of the session that the agent sends in, such as S1-R1; empty
	// is the first whose controller isn't fixed.
	Session string
	// Step is how long an action holds, at least a millisecond and less than the
	// scenario.
	Step time.Duration
	// Weights of the reward.
	Weights Weights
	// Version of the program.
	Version string
	// Keep, if not nil, gets each episode that has come to its end, and returns the folder
	// that its record went to.
	Keep func(Episode) (folder string, err error)
}

// Episode is one that has come to its end.
type Episode struct {
	Number int
	Record *record.Record
	// Set is what was set but the seed, as path=value, in the order in which it was: the
	// variation, [Config.Set], and what the reset asked for.
	Set []string
}

// Environment is a scenario that is ready for episodes. It isn't safe for concurrent use.
type Environment struct {
	config   Config
	source   []byte
	fields   []Field
	spec     Spec
	seed     uint64 // of the next episode, if nobody says
	episodes int
}

// MinStep is the shortest step.
const MinStep = time.Millisecond

// New reads the scenario. Its errors are about what the user wrote: of the file they are
// [scenarios.Errors].
func New(c Config) (*Environment, error) {
	source, err := os.ReadFile(c.Path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, cause(err))
	}
	e := &Environment{config: c, source: source}
	file, err := e.load(c.Set)
	if err != nil {
		return nil, err
	}
	first := file.Runs[0].Scenario
	e.seed = first.Seed
	if file, err = e.load(append(slices.Clone(c.Set), seedSetting(e.seed))); err != nil { // without the axis
		return nil, err
	}
	senders, err := e.survey(file)
	if err != nil {
		return nil, err
	}
	if e.config.Session, err = choose(senders, c.Session); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	if err := senders.unheard(e.config.Session); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	limits, err := senders.limits(e.config.Session)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	e.fields = observed(float64(limits.Max))
	e.spec = Spec{
		Type: "spec", Protocol: Protocol, Version: c.Version, Scenario: c.Path, Title: file.Title,
		Session: e.config.Session, Sessions: senders.names(), Duration: first.Duration.Seconds(), Step: c.Step.Seconds(), Seed: e.seed,
		Observation: e.fields, Action: action(limits), Weights: c.Weights,
	}
	for _, r := range file.Runs {
		e.spec.Variations = append(e.spec.Variations, Variation{r.Name, append([]record.Setting{}, r.Variation...)})
	}
	return e, nil
}

// cause is an error of a file without its name.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// Spec describes the environment.
func (e *Environment) Spec() Spec { return e.spec }

// load reads the scenario, with fields set.
func (e *Environment) load(set []string) (*scenarios.File, error) {
	return scenarios.Parse(e.config.Path, e.source, scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
}

func seedSetting(seed uint64) string { return "seed=" + strconv.FormatUint(seed, 10) }

// suits returns why a scenario has no place for an agent, or nil.
func suits(s *scenarios.Scenario, step time.Duration) error {
	switch g := &s.Congestion; {
	case g.Coupled != "off":
		return fmt.Errorf("congestion.coupled is %s, and an agent can't be coupled: write --set congestion.coupled=off", g.Coupled)
	case s.Hosted():
		return fmt.Errorf("an agent can't be asked in a run with pion or parts of it: write --set endpoints.NAME.stack=rtpfabric, or remove interceptors, keying and ice")
	case step >= s.Duration:
		return fmt.Errorf("a step of %v leaves no time for another in a scenario of %v: write a shorter --step", step, s.Duration)
	}
	return nil
}

// hears returns why a sender has no place for an agent, or nil.
func hears(of *topologies.Controlled) error {
	if of.Feedback == endpoints.FeedbackRFC8888 || of.Feedback == endpoints.FeedbackTWCC {
		return nil
	}
	return fmt.Errorf("the feedback of %s is %s, and an agent needs feedback about every packet: write --set congestion.feedback=rfc8888, or twcc, and have its peer offer that", of.Connection, of.Feedback)
}

// episode is a run that has been checked and hasn't begun.
type episode struct {
	run       *scenarios.Run
	set       []string // but the seed
	variation int
	weights   Weights
	limits    ccontrol.Limits
	number    int
	answered  bool // the reset
}

// prepare makes an episode. What is wrong with the command is one line.
func (e *Environment) prepare(c *resetCommand) (*episode, error) {
	o := &c.Options
	if n := len(e.spec.Variations); o.Variation < 0 || o.Variation >= n {
		return nil, fmt.Errorf("there is no variation %d: write 0 to %d", o.Variation, n-1)
	}
	seed := e.seed
	if c.Seed != nil {
		seed = *c.Seed
	}
	chosen := e.spec.Variations[o.Variation]
	var set []string
	for _, v := range chosen.Settings {
		set = append(set, v.Path+"="+v.Value)
	}
	set = slices.Concat(set, e.config.Set, o.Set)
	file, err := e.load(append(slices.Clone(set), seedSetting(seed)))
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	p := &episode{run: file.Runs[0], set: set, variation: o.Variation, weights: o.over(e.config.Weights), number: e.episodes + 1}
	p.run.Name, p.run.Variation = chosen.Name, with(chosen.Settings, o.Set)
	if err := suits(p.run.Scenario, e.config.Step); err != nil {
		return nil, err
	}
	senders, err := runner.Senders(p.run.Scenario)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(senders, func(of topologies.Controlled) bool { return of.Connection == e.config.Session })
	if i < 0 {
		return nil, fmt.Errorf("there is no session %s with these settings", e.config.Session)
	}
	if err := hears(&senders[i]); err != nil {
		return nil, err
	}
	p.limits = senders[i].Limits
	e.episodes, e.seed = p.number, nextSeed(seed)
	return p, nil
}

// with returns a variation with more set, which comes in the place of what is set already.
func with(variation []record.Setting, set []string) []record.Setting {
	list := slices.Clone(variation)
	for _, s := range set {
		path, value, _ := strings.Cut(s, "=")
		path = strings.TrimSpace(path)
		list = slices.DeleteFunc(list, func(old record.Setting) bool { return old.Path == path })
		list = append(list, record.Setting{Path: path, Value: strings.TrimSpace(value)})
	}
	return list
}

// nextSeed begins anew after the last.
func nextSeed(seed uint64) uint64 {
	if seed == math.MaxUint64 {
		return 0
	}
	return seed + 1
}
