package gym

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rtpfabric/scenarios/runner/internal/jsonline"
)

// The commands.
const (
	hello     = "hello"
	reset     = "reset"
	step      = "step"
	farewell  = "close"
	anExample = `write hello, reset, step or close, like {"type":"step","action":500000}`
)

// command is a line that came in.
type command struct {
	kind   string
	reset  resetCommand // of reset
	action float64      // of step, bit/s
}

type resetCommand struct {
	Type string `json:"type"`
	// Seed, if there is none, is that of the scenario, or the last episode's plus 1.
	Seed    *uint64      `json:"seed"`
	Options resetOptions `json:"options"`
}

// resetOptions hold for one episode.
type resetOptions struct {
	// Variation is an index into those of the matrix.
	Variation int `json:"variation"`
	// Set has fields of the scenario, path=value.
	Set []string `json:"set"`
	// Weights of the reward; those that are missing are the environment's.
	Weights struct {
		Rate, Delay, Loss *float64
	} `json:"weights"`
}

type stepCommand struct {
	Type   string   `json:"type"`
	Action *float64 `json:"action"`
}

type bareCommand struct {
	Type string `json:"type"`
}

// parse reads a command. The errors say what would be right.
func parse(text []byte) (command, error) {
	var head bareCommand
	if err := json.Unmarshal(text, &head); err != nil {
		return command{}, fmt.Errorf("%s is no command: %w; %s", jsonline.Quote(string(text)), readable(err), anExample)
	}
	c := command{kind: head.Type}
	var err error
	switch head.Type {
	case hello, farewell:
		err = jsonline.Parse(text, &head)
	case reset:
		if err = jsonline.Parse(text, &c.reset); err == nil {
			err = c.reset.Options.check()
		}
	case step:
		var s stepCommand
		if err = jsonline.Parse(text, &s); err == nil {
			c.action, err = s.target()
		}
	default:
		return command{}, fmt.Errorf("there is no command %q: %s", head.Type, anExample)
	}
	if err != nil {
		return command{}, fmt.Errorf("%s: %w", head.Type, readable(err))
	}
	return c, nil
}

func (s *stepCommand) target() (float64, error) {
	switch {
	case s.Action == nil:
		return 0, errors.New(`there is no action: write the target in bit/s, like "action":500000`)
	case !jsonline.PossibleRate(*s.Action):
		return 0, fmt.Errorf("an action of %v isn't possible: write the target in bit/s, like 500000", *s.Action)
	}
	return *s.Action, nil
}

func (o *resetOptions) check() error {
	for _, s := range o.Set {
		path, _, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("set %q: there is no value: write path=value", s)
		}
		if strings.TrimSpace(path) == "seed" {
			return fmt.Errorf(`set %q: write "seed" beside "options"`, s)
		}
	}
	for _, w := range []*float64{o.Weights.Rate, o.Weights.Delay, o.Weights.Loss} {
		if w != nil && !possibleWeight(*w) {
			return fmt.Errorf("a weight of %v isn't possible: write a number from 0 to %d", *w, maxWeight)
		}
	}
	return nil
}

// over returns the weights of the environment with those of the options in their place.
func (o *resetOptions) over(w Weights) Weights {
	for _, p := range []struct {
		from *float64
		to   *float64
	}{{o.Weights.Rate, &w.Rate}, {o.Weights.Delay, &w.Delay}, {o.Weights.Loss, &w.Loss}} {
		if p.from != nil {
			*p.to = *p.from
		}
	}
	return w
}

// expected says what the fields of commands are, for those who wrote something else.
var expected = map[string]string{
	"type":              "hello, reset, step or close",
	"action":            "a rate in bit/s, like 500000",
	"seed":              "a whole number from 0",
	"options":           `an object, like {"variation":1}`,
	"options.variation": "an index of the variations, from 0",
	"options.set":       `a list, like ["network.links.bottleneck.delay=100ms"]`,
	"options.weights":   `an object, like {"delay":5}`,
}

// readable puts what encoding/json says about types into words.
func readable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		remedy := expected[wrong.Field]
		if remedy == "" {
			remedy = "a number"
		}
		return fmt.Errorf("%s can't be a JSON %s: write %s", wrong.Field, wrong.Value, remedy)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New("a JSON object is expected")
	}
	return err
}
