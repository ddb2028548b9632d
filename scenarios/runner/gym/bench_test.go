package gym_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"rtpfabric/scenarios/runner/gym"
)

// BenchmarkStep is a step of 100 ms of a call at 1 Mbit/s, as lines.
func BenchmarkStep(b *testing.B) {
	for _, protection := range []string{"full", "size-only"} {
		b.Run(protection, func(b *testing.B) { benchmarkSteps(b, "protection="+protection) })
	}
}

func benchmarkSteps(b *testing.B, set string) {
	e := environment(b, gym.Config{Path: "../../quickstart.yaml", Set: []string{set}})
	steps, begun := 0, false
	reset, step := []byte(anyReset), []byte(act(7e5))
	var out bytes.Buffer
	err := e.Serve(b.Context(), func(context.Context) ([]byte, error) {
		ended := !begun || bytes.Contains(out.Bytes(), []byte(`"truncated":true`))
		out.Reset()
		switch {
		case ended:
			begun = true
			return reset, nil
		case steps == b.N:
			return nil, io.EOF
		}
		steps++
		return step, nil
	}, &out)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}
