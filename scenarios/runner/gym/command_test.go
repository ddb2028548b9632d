package gym

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{``, "is no command"},
		{`step 5`, "is no command"},
		{`[1]`, "a JSON object is expected"},
		{`{"type":"step"`, "is no command"},
		{`{}`, `there is no command ""`},
		{`{"type":"stop"}`, `there is no command "stop": write hello, reset, step or close`},
		{`{"type":5}`, "type can't be a JSON number: write hello, reset, step or close"},
		{`{"type":"hello","seed":1}`, `hello: json: unknown field "seed"`},
		{`{"type":"hello"}{"type":"hello"}`, "is no command"},
		{`{"type":"step"}`, "step: there is no action"},
		{`{"type":"step","action":null}`, "step: there is no action"},
		{`{"type":"step","action":"fast"}`, "step: action can't be a JSON string: write a rate in bit/s"},
		{`{"type":"step","action":[500000]}`, "step: action can't be a JSON array: write a rate in bit/s"},
		{`{"type":"step","action":-1}`, "step: an action of -1 isn't possible"},
		{`{"type":"step","action":1e300}`, "step: an action of 1e+300 isn't possible"},
		{`{"type":"step","action":NaN}`, "is no command"},
		{`{"type":"step","action":1,"x":2}`, `step: json: unknown field "x"`},
		{`{"type":"reset","seed":-1}`, "reset: seed can't be a JSON number -1: write a whole number from 0"},
		{`{"type":"reset","options":3}`, "reset: options can't be a JSON number: write an object"},
		{`{"type":"reset","options":{"set":"a=b"}}`, "reset: options.set can't be a JSON string: write a list"},
		{`{"type":"reset","options":{"set":["a"]}}`, `reset: set "a": there is no value: write path=value`},
		{`{"type":"reset","options":{"set":["seed=3"]}}`, `write "seed" beside "options"`},
		{`{"type":"reset","options":{"variation":"x"}}`, "reset: options.variation can't be a JSON string: write an index"},
		{`{"type":"reset","options":{"weights":{"rate":-1}}}`, "a weight of -1 isn't possible"},
		{`{"type":"reset","options":{"weights":{"rate":"x"}}}`, "can't be a JSON string: write a number"},
		{`{"type":"reset","options":{"weights":{"speed":1}}}`, `unknown field "speed"`},
	} {
		if got, err := parse([]byte(c.line)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nis %+v with error %v, want %q", c.line, got, err, c.want)
		}
	}
	c, err := parse([]byte(` {"type":"reset","seed":18446744073709551615,"options":{"variation":2,"set":["a=b"],"weights":{"delay":7}}} `))
	if err != nil || *c.reset.Seed != 1<<64-1 || c.reset.Options.Variation != 2 || len(c.reset.Options.Set) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if w := c.reset.Options.over(DefaultWeights()); w != (Weights{Rate: 1, Delay: 7, Loss: 5}) {
		t.Errorf("weights %+v", w)
	}
}

// Whatever comes in is a command with values that a run can bear, or an error of one line.
func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"type":"hello"}`))
	f.Add([]byte(`{"type":"reset","seed":3,"options":{"variation":1,"set":["duration=3s"],"weights":{"rate":2}}}`))
	f.Add([]byte(`{"type":"step","action":5e5}`))
	f.Add([]byte(`{"type":"close"} x`))
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := parse(line)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		switch c.kind {
		case hello, farewell:
		case step:
			if !(c.action >= 1) || c.action > 1e12 {
				t.Errorf("action %v", c.action)
			}
		case reset:
			w := c.reset.Options.over(DefaultWeights())
			if !possibleWeight(w.Rate) || !possibleWeight(w.Delay) || !possibleWeight(w.Loss) {
				t.Errorf("weights %+v", w)
			}
		default:
			t.Errorf("command %q", c.kind)
		}
	})
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	in := NewLines(strings.NewReader("a\r\n\n" + long + "\nb\n" + long))
	for i, want := range []string{"a\r\n", "\n", long[:maxQuoted], "b\n", long[:maxQuoted]} {
		if line, err := in.Next(); err != nil || string(line) != want {
			t.Errorf("line %d is %.50q, %v", i, line, err)
		}
	}
	if line, err := in.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end %q, %v", line, err)
	}
	in = NewLines(bytes.NewReader([]byte("last")))
	if line, err := in.Next(); err != nil || string(line) != "last" {
		t.Errorf("%q, %v", line, err)
	}
}
