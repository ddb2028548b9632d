package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// Catalogue knows the rate controllers that a scenario may name. The texts of
// its errors say what is wrong and then, like those of package units, what
// would be right: "5 is out of range: write 0 to 1".
type Catalogue interface {
	// Controllers returns the names of all controllers.
	Controllers() []string
	// Parameters returns the names of a controller's parameters.
	Parameters(controller string) []string
	// CheckParameter returns an error that says what is wrong with a value.
	CheckParameter(controller, name, value string) error
}

// FeedbackChecker is what a [Catalogue] may be besides: one that knows which
// feedback a controller needs.
type FeedbackChecker interface {
	// CheckFeedback returns an error that says why the controller can't work
	// with that feedback: rfc8888, twcc, remb, ecn or none.
	CheckFeedback(controller, feedback string) error
}

// CouplingChecker is what a [Catalogue] may be besides: one that knows which
// controllers can be coupled.
type CouplingChecker interface {
	// CheckCoupling returns an error that says why a controller can't be coupled.
	CheckCoupling(controller string) error
}

// SettingsChecker is what a [Catalogue] may be besides: one that knows whether a
// controller takes its parameters together, under what the media can do.
type SettingsChecker interface {
	// CheckSettings takes a scenario that has no other error, and returns an
	// error that says why a controller can't be made, and whose it is.
	CheckSettings(s *Scenario) (endpoint string, err error)
}

// ProgramChecker is what a [Catalogue] may be besides: one that knows whether the
// program of an external controller is there.
type ProgramChecker interface {
	// CheckProgram takes the folder that it runs in, and returns an error that says
	// why it can't run.
	CheckProgram(dir, program string) error
}

// StackLister is what a [Catalogue] may be besides: one that knows which stacks endpoints can be, other than
// ours.
type StackLister interface {
	// Stacks returns their names.
	Stacks() []string
}

// InterceptorChecker is what a [Catalogue] may be besides: one that knows which interceptors endpoints can have.
type InterceptorChecker interface {
	// Interceptors returns their types.
	Interceptors() []string
	// InterceptorOptions returns the names of the options of a type.
	InterceptorOptions(typ string) []string
	// CheckInterceptorOption returns an error that says what is wrong with a value.
	CheckInterceptorOption(typ, name, value string) error
	// Leads reports whether a type decides about the rate of what an endpoint sends.
	Leads(typ string) bool
	// Several reports whether an endpoint may have more than one of a type.
	Several(typ string) bool
}

// NetworkChecker is what a [Catalogue] may be besides: one that knows whether a
// network can be made.
type NetworkChecker interface {
	// CheckNetwork takes a scenario that has no other error, and returns an
	// error that says why its network can't be made.
	CheckNetwork(s *Scenario) error
}

// checker finds what is wrong with a scenario whose fields are each right by
// themselves. The scenario is completed already.
type checker struct {
	s      *Scenario
	places *strict.Places
	errs   []*strict.Error
	// badName is set when a name is unusable; whoever refers to it isn't told
	// as well.
	badName bool
}

// check returns what is wrong with a completed scenario.
func check(s *Scenario, places *strict.Places, catalogue Catalogue) []*strict.Error {
	c := &checker{s: s, places: places}
	c.title()
	c.let()
	c.network()
	c.traffic()
	if c.session() {
		c.endpoints()
		c.topology()
		c.videoTypes()
		c.media()
		c.silence()
	}
	c.congestion(catalogue)
	c.groupFeedback()
	c.rtcp()
	c.repair()
	c.breakers()
	c.security()
	c.signalling()
	c.gathering()
	c.stacks(catalogue)
	c.interceptors(catalogue)
	c.hostedParts()
	c.expect()
	c.expectedFail(catalogue)
	if nc, ok := catalogue.(NetworkChecker); ok && len(c.errs) == 0 {
		if err := nc.CheckNetwork(s); err != nil {
			problem, remedy := splitRemedy(err.Error())
			c.fail(at("network"), problem, remedy)
		}
	}
	if len(c.errs) == 0 {
		c.bandwidth(catalogue)
	}
	if len(c.errs) == 0 {
		c.settings(catalogue)
	}
	return c.errs
}

// at makes a path of names and indexes.
func at(steps ...any) strict.Path {
	p := make(strict.Path, len(steps))
	for i, step := range steps {
		switch v := step.(type) {
		case string:
			p[i] = v
		case int:
			p[i] = strconv.Itoa(v)
		}
	}
	return p
}

// fail reports an error at the value of a field.
func (c *checker) fail(p strict.Path, problem, remedy string) {
	c.errs = append(c.errs, &strict.Error{Place: c.places.Value(p), Path: p, Problem: problem, Remedy: remedy})
}

// failKey reports an error at the name of a field.
func (c *checker) failKey(p strict.Path, problem, remedy string) {
	c.errs = append(c.errs, &strict.Error{Place: c.places.Key(p), Path: p, Problem: problem, Remedy: remedy})
}

// firstOf returns the first of several paths that the document has, or the
// last.
func (c *checker) firstOf(paths ...strict.Path) strict.Path {
	for _, p := range paths {
		if c.places.Has(p) {
			return p
		}
	}
	return paths[len(paths)-1]
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const nameRemedy = `use letters, digits, ".", "_" and "-", beginning with a letter or digit, 64 at most`

// name checks a name that the document gives to something.
func (c *checker) name(p strict.Path, name, what string) {
	if !validName.MatchString(name) {
		c.badName = true
		c.failKey(p, fmt.Sprintf("%q can't be the name of %s", name, what), nameRemedy)
	}
}

func (c *checker) title() {
	if strings.TrimSpace(c.s.Title) == "" || strings.ContainsAny(c.s.Title, "\r\n") {
		c.fail(at("title"), "the title must be one line of text", `write "title: What this shows"`)
	}
}

// instead suggests one of the names that exist.
func instead(word string, valid []string, what string) string {
	return strict.Instead(word, valid, what)
}
