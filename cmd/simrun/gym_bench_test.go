package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// stepping plays the quickstart with SimrunEnv: so many steps of 100 ms at 700 kbit/s, and
// as many resets as that takes.
const stepping = `
import json, sys, time
import simrun_gym

steps = int(sys.argv[3])
env = simrun_gym.SimrunEnv(sys.argv[1], set=[sys.argv[2]])
stepping = resetting = resets = 0
over = True
for _ in range(steps):
    if over:
        begin = time.perf_counter()
        env.reset(seed=1)
        resetting += time.perf_counter() - begin
        resets += 1
    begin = time.perf_counter()
    _, _, terminated, truncated, _ = env.step([700_000])
    stepping += time.perf_counter() - begin
    over = terminated or truncated
env.close()
print(json.dumps({"step": stepping / steps, "reset": resetting / resets, "arrays": simrun_gym.numpy is not None}))
`

// BenchmarkSimrunEnv measures a step and a reset from Python: with arrays where gymnasium and
// NumPy are installed, otherwise with lists. simrun runs beside it.
func BenchmarkSimrunEnv(b *testing.B) {
	if _, err := exec.LookPath("python3"); err != nil {
		b.Skip("there is no python3")
	}
	for _, protection := range []string{"full", "size-only"} {
		b.Run(protection, func(b *testing.B) {
			python := exec.CommandContext(b.Context(), "python3", "-c", stepping, "../../scenarios/quickstart.yaml", "protection="+protection, strconv.Itoa(b.N))
			python.Env = append(os.Environ(), "PYTHONPATH=../../docs/examples/gym", "PYTHONDONTWRITEBYTECODE=1")
			python.Stderr = os.Stderr
			out, err := python.Output()
			if err != nil {
				b.Fatal(err)
			}
			var seconds struct {
				Step, Reset float64
				Arrays      bool
			}
			if err := json.Unmarshal(out, &seconds); err != nil {
				b.Fatal(err)
			}
			arrays := map[bool]string{true: "-arrays", false: "-lists"}[seconds.Arrays]
			b.ReportMetric(1e6*seconds.Step, "µs/step"+arrays)
			b.ReportMetric(1e6*seconds.Reset, "µs/reset")
			b.ReportMetric(0, "ns/op") // the start of Python too
		})
	}
}
