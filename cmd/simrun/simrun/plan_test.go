package simrun

import (
	"slices"
	"testing"

	"rtpfabric/scenarios"
)

func TestFolderNamesTellFilesApart(t *testing.T) {
	for _, tt := range []struct{ paths, want []string }{
		{[]string{"scenarios/quickstart.yaml"}, []string{"quickstart"}},
		{[]string{"a/5.1-variable.yaml", "b/other.yml"}, []string{"5.1-variable", "other"}},
		{[]string{"a/x.yaml", "b/x.yaml", "c/y.yaml"}, []string{"a-x", "b-x", "y"}},
		{[]string{"x.yaml", "b/x.yaml"}, []string{"x", "b-x"}},
		{[]string{"a/X.yaml", "b/x.yaml"}, []string{"a-X", "b-x"}},
		{[]string{"../x.yaml", "./x.yaml"}, []string{"x", ""}},
		{[]string{"x.yaml", "x.yml"}, []string{"x", ""}},
		{[]string{"a/x.yaml", "b/x.yaml", "a-x.yaml"}, []string{"a-x", "b-x", ""}},
	} {
		var files []*scenarios.File
		for _, p := range tt.paths {
			files = append(files, &scenarios.File{Path: p})
		}
		got, err := folderNames(files)
		if conflict := slices.Contains(tt.want, ""); conflict {
			if err == nil {
				t.Errorf("%q: got %q without an error", tt.paths, got)
			}
		} else if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q and error %v, want %q", tt.paths, got, err, tt.want)
		}
	}
}

func TestShellCommandQuotes(t *testing.T) {
	got := shellCommand([]string{"simrun", "run", "two calls.yaml", "--set", "title=It's", "--set", "delay=50ms", ""})
	want := `simrun run 'two calls.yaml' --set 'title=It'\''s' --set delay=50ms ''`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSortableCounts(t *testing.T) {
	names := []string{"seed=10", "seed=9", "delay=100ms", "delay=50ms"}
	slices.SortFunc(names, func(a, b string) int {
		if sortable(a) < sortable(b) {
			return -1
		}
		return 1
	})
	if want := []string{"delay=50ms", "delay=100ms", "seed=9", "seed=10"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
