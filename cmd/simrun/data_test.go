package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/cmd/simrun/simrun"
)

var rewriteData = flag.Bool("rewrite-data", false, "replace what docs/data.md says that queries answer")

// queryAndAnswer is a query of docs/data.md and what it answers.
var queryAndAnswer = regexp.MustCompile("(?s)```sql\n(.*?)```\n\n```text\n(.*?)```")

// What docs/data.md says of the tables is what DuckDB reads in them.
func TestDuckDBReadsTables(t *testing.T) {
	modules, err := filepath.Abs("../../.cache/duckdb")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "@duckdb", "node-api")); err != nil {
		t.Skip("DuckDB isn't there; .ci/install installs it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node isn't there; .ci/install installs it")
	}
	const guide = "../../docs/data.md"
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/duckdb/query.mjs")
	if err != nil {
		t.Fatal(err)
	}
	quickstart, err := filepath.Abs("../../scenarios/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"run", quickstart, "--vary", "congestion.controller=[gcc, nada]", "--vary", "seed={from: 1, count: 3}", "--quiet", "--no-page"},
		{"export", "results", "--to", "tables"},
	} {
		cmd := simrun.Command()
		cmd.SetArgs(args)
		cmd.SetOut(&bytes.Buffer{})
		if err := cmd.Execute(); err != nil && simrun.ExitCode(err) != simrun.ExitFailed {
			t.Fatalf("%q: %v", args, err)
		}
	}
	var queries []string
	matches := queryAndAnswer.FindAllStringSubmatch(string(text), -1)
	for _, m := range matches {
		queries = append(queries, m[1])
	}
	in, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	duckdb := exec.Command(node, script, modules)
	duckdb.Stdin, duckdb.Stderr = bytes.NewReader(in), os.Stderr
	out, err := duckdb.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct {
		Columns []string
		Rows    [][]any
	}
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(matches) || len(answers) < 3 {
		t.Fatalf("%d answers to %d queries: %v", len(answers), len(matches), err)
	}
	i := -1
	got := queryAndAnswer.ReplaceAllStringFunc(string(text), func(string) string {
		i++
		return "```sql\n" + queries[i] + "```\n\n```text\n" + aligned(answers[i].Columns, answers[i].Rows) + "```"
	})
	if *rewriteData {
		if err := os.WriteFile(filepath.Join(filepath.Dir(quickstart), "..", "docs", "data.md"), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("%s\nrun go test ./cmd/simrun -run DuckDB -rewrite-data", diff)
	}
}

// aligned prints a table.
func aligned(columns []string, rows [][]any) string {
	lines := [][]string{columns}
	for _, row := range rows {
		var line []string
		for _, v := range row {
			line = append(line, fmt.Sprint(v))
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(columns))
	for _, line := range lines {
		for i, v := range line {
			widths[i] = max(widths[i], len([]rune(v)))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var cells []string
		for i, v := range line {
			cells = append(cells, fmt.Sprintf("%-*s", widths[i], v))
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	return b.String()
}
