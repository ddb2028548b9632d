package simrun

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios/runner/gym"
)

// The conversation in docs/gym.md is one that took place: what stands there as commands has
// what stands there as replies, but for what is left out.
func TestGymPageIsARecording(t *testing.T) {
	t.Chdir("../../..")
	page, err := os.ReadFile("docs/gym.md")
	if err != nil {
		t.Fatal(err)
	}
	_, protocol, _ := strings.Cut(string(page), "## The protocol")
	var commands, replies []string
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)\n```").FindAllStringSubmatch(protocol, -1) {
		line := regexp.MustCompile(`\n *`).ReplaceAllString(block[1], "")
		if len(commands) == len(replies) {
			commands = append(commands, line)
		} else {
			replies = append(replies, line)
		}
	}
	if len(replies) != 3 {
		t.Fatalf("%d replies on the page", len(replies))
	}
	e, err := gym.New(gym.Config{Path: "scenarios/quickstart.yaml", Step: 100 * time.Millisecond, Weights: gym.DefaultWeights(), Version: Version})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	said := 0
	source := func(context.Context) ([]byte, error) {
		if said == len(commands) {
			return nil, io.EOF
		}
		said++
		return []byte(commands[said-1]), nil
	}
	if err := e.Serve(t.Context(), source, &out); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range replies {
		words := strings.Split(want, "…")
		for j := range words {
			words[j] = regexp.QuoteMeta(words[j])
		}
		if !regexp.MustCompile("^" + strings.Join(words, ".*") + "$").MatchString(got[i]) {
			t.Errorf("%s is answered with\n%s\nand the page says\n%s", commands[i], got[i], want)
		}
	}
	if n := len(got); n != 4 || got[3] != `{"type":"closed"}` {
		t.Errorf("%d replies, the last %s", n, got[n-1])
	}
}
