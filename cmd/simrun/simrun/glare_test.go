package simrun

import (
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"rtpfabric/endpoints/signalling/glare"
)

const glarePage = "../../../docs/experiments/glare.md"

// The table of docs/experiments/glare.md is what the command prints.
func TestGlarePage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	o := &glareOptions{
		runs: 10_000, seed: 1, resolution: glare.Names(), delivery: glareDeliveries, path: "server", policy: "random",
		latency: 50 * time.Millisecond, window: 500 * time.Millisecond, bits: 32, jobs: runtime.GOMAXPROCS(0),
	}
	cells, err := glareCells(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := sampleGlare(t.Context(), io.Discard, cells, o); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(glarePage)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "| to A |"
	text, table, _ := strings.Cut(string(page), begin)
	want := glareMarkdown(cells)
	if *rewrite {
		if err := os.WriteFile(glarePage, []byte(text+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(strings.Split(begin+table, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/experiments/glare.md (-) isn't what is counted (+):\n%s", diff)
	}
}
